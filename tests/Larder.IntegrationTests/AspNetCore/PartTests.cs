using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Parts of responses: kept, joined, served, and never taken for the whole.</summary>
public sealed class PartTests
{
    private const string Whole = "0123456789abcdefghij";

    /// <summary>An origin that knows ranges and counts its calls.</summary>
    private static RequestDelegate Ranges(Counter counter, string? etag = "\"e\"", Func<string, string>? spoil = null) => async context =>
    {
        counter.Next();
        HttpResponse response = context.Response;
        response.Headers.CacheControl = "max-age=60";
        if (etag is not null) response.Headers.ETag = etag;
        string body = Whole;
        if (context.Request.Headers.Range is [{ } range])
        {
            string[] ends = range["bytes=".Length..].Split('-');
            int first = int.Parse(ends[0], CultureInfo.InvariantCulture), last = ends[1] == "" ? Whole.Length - 1 : int.Parse(ends[1], CultureInfo.InvariantCulture);
            body = Whole[first..(last + 1)];
            response.StatusCode = 206;
            response.Headers.ContentRange = spoil?.Invoke($"bytes {first}-{last}/{Whole.Length}") ?? $"bytes {first}-{last}/{Whole.Length}";
        }
        response.ContentLength = body.Length;
        await response.WriteAsync(body);
    };

    private static Task<Answer> GetAsync(Site site, string range, params (string, string)[] more) => site.GetAsync("/", [("Range", range), .. more]);

    [Fact]
    public async Task A_part_serves_the_ranges_that_lie_within_it_and_nothing_else()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(Ranges(counter));
        Assert.Equal("bytes 5-9/20", (await GetAsync(site, "bytes=5-9")).Is("MISS", "56789", 206)["Content-Range"]);
        Assert.Equal("bytes 5-9/20", (await GetAsync(site, "bytes=5-9")).Is("HIT", "56789", 206)["Content-Range"]);
        Assert.Equal("bytes 6-7/20", (await GetAsync(site, "bytes=6-7", ("If-Range", "\"e\""))).Is("HIT", "67", 206)["Content-Range"]);
        (await GetAsync(site, "bytes=6-7", ("If-None-Match", "\"e\""))).Is("HIT", "", 304);
        (await GetAsync(site, "bytes=6-12")).Is("MISS", "6789abc", 206);
        (await site.GetAsync("/")).Is("MISS", Whole);
        (await site.GetAsync("/")).Is("HIT", Whole);
        (await GetAsync(site, "bytes=0-1")).Is("HIT", "01", 206);
        Assert.Equal(3, counter.Calls);
    }

    [Fact]
    public async Task Parts_that_touch_are_joined_and_become_the_whole()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(Ranges(counter));
        await GetAsync(site, "bytes=0-9");
        await GetAsync(site, "bytes=8-14");
        (await GetAsync(site, "bytes=2-13")).Is("HIT", Whole[2..14], 206);
        (await site.GetAsync("/", ("Cache-Control", "only-if-cached"))).Is("ERROR", status: 504);
        await GetAsync(site, "bytes=15-");
        (await site.GetAsync("/")).Is("HIT", Whole);
        Assert.Equal(3, counter.Calls);
    }

    [Theory]
    [InlineData(null), InlineData("W/\"e\"")]
    public async Task Without_a_strong_tag_nothing_is_joined(string? etag)
    {
        await using Site site = await Site.StartAsync(Ranges(new Counter(), etag));
        await GetAsync(site, "bytes=0-9");
        await GetAsync(site, "bytes=10-14");
        (await GetAsync(site, "bytes=8-11")).Is("MISS", "89ab", 206);
    }

    [Theory]
    [InlineData("bytes 5-9/*"), InlineData("bytes 0-4/20"), InlineData("bytes 5-10/20"), InlineData("bytes 5-9/9"), InlineData("")]
    public async Task A_part_that_does_not_say_rightly_what_it_is_is_not_kept(string contentRange)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(Ranges(counter, spoil: right => contentRange == "bytes 0-4/20" ? right.Replace("5-9", "5-8", StringComparison.Ordinal) : contentRange));
        await GetAsync(site, "bytes=5-9");
        (await GetAsync(site, "bytes=5-9")).Is("MISS", status: 206);
        (await site.GetAsync("/")).Is("MISS", Whole);
    }

    [Fact]
    public async Task A_write_a_purge_and_the_clock_end_parts_too()
    {
        await using Site site = await Site.StartAsync(Ranges(new Counter()));
        await GetAsync(site, "bytes=5-9");
        await site.SendAsync("PUT", "/", "x");
        (await GetAsync(site, "bytes=5-9")).Is("MISS", status: 206);
        await site.Cache.InvalidateAsync(Invalidation.Glob("/*"));
        (await GetAsync(site, "bytes=5-9")).Is("MISS", status: 206);
        site.Time.Advance(61);
        (await GetAsync(site, "bytes=5-9")).Is("MISS", status: 206);
    }

    [Fact]
    public async Task What_a_user_may_not_be_served_is_no_part_either()
    {
        await using Site site = await Site.StartAsync(Ranges(new Counter()));
        await GetAsync(site, "bytes=5-9");
        (await GetAsync(site, "bytes=5-9", ("Authorization", "x"))).Is("MISS", status: 206);
        (await GetAsync(site, "bytes=5-9", ("Cache-Control", "no-cache"))).Is("MISS", status: 206);
    }

    [Fact]
    public async Task A_thousand_ways_to_ask_for_a_byte_fill_no_memory()
    {
        await using Site site = await Site.StartAsync(Ranges(new Counter()));
        for (int i = 0; i < 200; i++) await GetAsync(site, $"bytes={i % 20}-{i % 20}");
        Assert.InRange(site.Cache.Statistics.Entries, 1, 2);
    }
}
