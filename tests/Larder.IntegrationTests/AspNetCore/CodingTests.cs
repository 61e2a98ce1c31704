using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Responses that are kept compressed, and handed to each client as it likes them best.</summary>
public sealed class CodingTests
{
    private static readonly string Text = string.Join(' ', Enumerable.Range(0, 2000));

    private static Task<Site> StartAsync(Action<HttpContext>? more = null) => Site.StartAsync(
        context =>
        {
            context.Response.ContentType = "text/plain";
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.ETag = "\"e\"";
            more?.Invoke(context);
            return context.Response.WriteAsync(Text);
        },
        http => http.Compress = true);

    private static async Task<(HttpResponseMessage Response, byte[] Body)> GetAsync(Site site, string? accept, params (string, string)[] headers)
    {
        using HttpRequestMessage request = site.Request("GET", "/", headers);
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
        HttpResponseMessage response = await site.Client.SendAsync(request);
        return (response, await response.Content.ReadAsByteArrayAsync());
    }

    private static string Decoded(string? coding, byte[] body)
    {
        using Stream stream = coding switch
        {
            "br" => new BrotliStream(new MemoryStream(body), CompressionMode.Decompress),
            "gzip" => new GZipStream(new MemoryStream(body), CompressionMode.Decompress),
            _ => new MemoryStream(body),
        };
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [Theory]
    [InlineData("gzip, br", "br"), InlineData("gzip", "gzip"), InlineData("br;q=0.1, gzip;q=0.2", "gzip"), InlineData(null, null), InlineData("deflate", null), InlineData("br;q=0, gzip;q=0", null)]
    public async Task Each_client_gets_the_coding_that_it_likes_best(string? accept, string? coding)
    {
        await using Site site = await StartAsync();
        (HttpResponseMessage miss, byte[] first) = await GetAsync(site, accept);
        Assert.Equal(("MISS", Text), (miss.Headers.GetValues("X-Cache").Single(), Decoded(null, first)));
        (HttpResponseMessage hit, byte[] body) = await GetAsync(site, accept);
        Assert.Equal("HIT", hit.Headers.GetValues("X-Cache").Single());
        Assert.Equal(coding, hit.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Equal(Text, Decoded(coding, body));
        Assert.Equal(body.Length, hit.Content.Headers.ContentLength);
        Assert.Contains("Accept-Encoding", hit.Headers.Vary);
        // The same bytes have the strong tag, another form of them the weak one.
        Assert.Equal(coding is null ? "\"e\"" : "W/\"e\"", hit.Headers.ETag!.ToString());
        if (coding is not null) Assert.True(body.Length < Text.Length / 2);
    }

    [Fact]
    public async Task Both_tags_are_confirmed_by_304_and_ranges_are_cut_of_the_body_as_it_came()
    {
        await using Site site = await StartAsync();
        await GetAsync(site, "br");
        foreach (string tag in new[] { "\"e\"", "W/\"e\"" })
            Assert.Equal(304, (int)(await GetAsync(site, "br", ("If-None-Match", tag))).Response.StatusCode);
        Assert.Equal("W/\"e\"", (await GetAsync(site, "br", ("If-None-Match", "W/\"e\""))).Response.Headers.ETag!.ToString());
        Assert.Equal("\"e\"", (await GetAsync(site, null, ("If-None-Match", "W/\"e\""))).Response.Headers.ETag!.ToString());
        (HttpResponseMessage end, byte[] last) = await GetAsync(site, null, ("Range", "bytes=-5"));
        Assert.Equal((206, Text[^5..]), ((int)end.StatusCode, Encoding.UTF8.GetString(last)));
        (HttpResponseMessage part, byte[] body) = await GetAsync(site, "br", ("Range", "bytes=2-5"));
        Assert.Equal((206, Text[2..6], "\"e\""), ((int)part.StatusCode, Encoding.UTF8.GetString(body), part.Headers.ETag!.ToString()));
        Assert.Equal(new ContentRangeHeaderValue(2, 5, Text.Length), part.Content.Headers.ContentRange);
        // A weak tag holds for no part (RFC 9110 §13.1.5).
        Assert.Equal(200, (int)(await GetAsync(site, null, ("Range", "bytes=2-5"), ("If-Range", "W/\"e\""))).Response.StatusCode);
    }

    [Theory]
    [InlineData("Cache-Control", "max-age=60, no-transform"), InlineData("Content-Encoding", "gzip"), InlineData("Content-Digest", "sha-256=:x:"), InlineData("Content-Type", "image/png"), InlineData("Content-Type", "")]
    public async Task What_must_not_or_need_not_be_compressed_stays_as_it_came(string name, string value)
    {
        await using Site site = await StartAsync(context => context.Response.Headers[name] = value);
        await GetAsync(site, "br");
        (HttpResponseMessage hit, byte[] body) = await GetAsync(site, "br");
        Assert.Equal("HIT", hit.Headers.GetValues("X-Cache").Single());
        Assert.Equal(Encoding.UTF8.GetBytes(Text), body);
        Assert.Empty(hit.Headers.Vary);
    }

    [Theory]
    [InlineData(1023, true), InlineData(4096, false)]
    public async Task What_is_small_or_gains_less_than_a_tenth_stays_as_it_came(int length, bool compressible)
    {
        var bytes = new byte[length];
        if (!compressible) new Random(7).NextBytes(bytes);
        await using Site site = await Site.StartAsync(
            context =>
            {
                context.Response.ContentType = "text/plain";
                context.Response.Headers.CacheControl = "max-age=60";
                return context.Response.Body.WriteAsync(bytes).AsTask();
            },
            http => http.Compress = true);
        await GetAsync(site, "br");
        (HttpResponseMessage hit, byte[] body) = await GetAsync(site, "br");
        Assert.Empty(hit.Content.Headers.ContentEncoding);
        Assert.Equal(bytes, body);
    }

    [Fact]
    public async Task Less_memory_is_counted_and_a_confirmation_keeps_the_forms()
    {
        await using Site site = await StartAsync(context =>
        {
            if (context.Request.Headers.IfNoneMatch.Count == 0) return;
            context.Response.StatusCode = 304;
        });
        await GetAsync(site, "br");
        Assert.InRange(site.Cache.Statistics.Bytes, 1000, Text.Length);
        site.Time.Advance(61);
        (HttpResponseMessage confirmed, byte[] body) = await GetAsync(site, "br");
        Assert.Equal("REVALIDATED", confirmed.Headers.GetValues("X-Cache").Single());
        Assert.Equal(Text, Decoded("br", body));
    }
}
