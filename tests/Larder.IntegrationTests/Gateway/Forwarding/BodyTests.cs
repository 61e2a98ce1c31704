using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>Bodies both ways, as they come.</summary>
public sealed class BodyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(true, HttpProtocols.Http1)]
    [InlineData(false, HttpProtocols.Http1)]
    [InlineData(true, HttpProtocols.Http2)]
    [InlineData(false, HttpProtocols.Http2)]
    public async Task A_megabyte_goes_up_and_comes_down(bool length, HttpProtocols protocol)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(1_000_003);
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            context.Response.Headers["X-Length"] = context.Request.Headers.ContentLength is null ? context.Request.Headers.TransferEncoding : context.Request.Headers["Content-Length"];
            context.Response.ContentLength = context.Request.ContentLength;
            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        await using Front front = await Front.StartAsync(origin.Address, protocols: protocol);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Put, front.Address) { Content = length ? new ByteArrayContent(sent) : new UnknownLength(sent) };
        request.Version = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;

        using HttpResponseMessage response = await client.SendAsync(request);

        Assert.Equal(length ? "1000003" : "chunked", response.Headers.GetValues("X-Length").Single());
        byte[] received = await response.Content.ReadAsByteArrayAsync();
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal((null, null), front.NextEnd());
    }

    [Fact]
    public async Task A_GET_with_a_body_and_one_without_arrive_as_such()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            string body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync($"[{context.Request.ContentLength}|{context.Request.Headers.TransferEncoding}|{body}]");
        });
        await using Front front = await Front.StartAsync(origin.Address);
        const string Head = " / HTTP/1.1\r\nHost: front\r\nConnection: close\r\n";

        Assert.Contains("[3||abc]", await RawClient.ExchangeAsync(front.Address, $"GET{Head}Content-Length: 3\r\n\r\nabc"));
        Assert.Contains("[||]", await RawClient.ExchangeAsync(front.Address, $"GET{Head}\r\n"));
        Assert.Contains("[0||]", await RawClient.ExchangeAsync(front.Address, $"POST{Head}\r\n"));
        Assert.Contains("[|chunked|abc]", await RawClient.ExchangeAsync(front.Address, $"POST{Head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    }

    [Fact]
    public async Task Expect_continue_is_the_origins_to_answer()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            if (context.Request.Path == "/no") context.Response.StatusCode = 417;
            else await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        await using Front front = await Front.StartAsync(origin.Address);
        const string Head = " HTTP/1.1\r\nHost: front\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";

        using (RawClient client = await RawClient.ConnectAsync(front.Address))
        {
            await client.Wire.SendAsync("POST /yes" + Head);
            Assert.StartsWith("HTTP/1.1 100 ", await client.Wire.ReadHeadAsync());
            await client.Wire.SendAsync("abc");
            Assert.StartsWith("HTTP/1.1 200 ", await client.Wire.ReadHeadAsync());
            await client.Wire.ReadUntilAsync("abc");
        }
        using (RawClient client = await RawClient.ConnectAsync(front.Address))
        {
            await client.Wire.SendAsync("POST /no" + Head.Replace(": 3", ": 5000", StringComparison.Ordinal));
            Assert.StartsWith("HTTP/1.1 417 ", await client.Wire.ReadHeadAsync());
        }
    }

    [Fact]
    public async Task Headers_and_events_arrive_before_the_stream_goes_on()
    {
        var gate = new SemaphoreSlim(0);
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.FlushAsync();
            for (int i = 0; i < 3; i++)
            {
                Assert.True(await gate.WaitAsync(Patience));
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
            }
            Assert.True(await gate.WaitAsync(Patience));
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using var client = new HttpClient();

        using HttpResponseMessage response = await client.GetAsync(front.Address, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (int i = 0; i < 3; i++)
        {
            gate.Release();
            Assert.Equal($"data: {i}", await lines.ReadLineAsync().WaitAsync(Patience));
            Assert.Equal("", await lines.ReadLineAsync());
        }
        gate.Release();
        Assert.Null(await lines.ReadLineAsync());
    }

    [Fact]
    public async Task An_answer_instead_of_continue_arrives_and_the_next_exchange_is_clean()
    {
        using var origin = new RawOrigin(async (wire, stop) =>
        {
            string head = await wire.ReadHeadAsync();
            await wire.SendAsync("HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nfull");
            if (head.StartsWith("POST", StringComparison.Ordinal)) await Task.Delay(-1, stop);
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using (RawClient client = await RawClient.ConnectAsync(front.Address))
        {
            await client.Wire.SendAsync("POST / HTTP/1.1\r\nHost: front\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\nabc");
            Assert.StartsWith("HTTP/1.1 413 Too Much\r\n", await client.Wire.ReadHeadAsync().WaitAsync(Patience));
            Assert.Equal("full", await client.Wire.ReadUntilAsync("full").WaitAsync(Patience));
        }
        Assert.Equal((null, null), front.NextEnd());
        Assert.EndsWith("full", await RawClient.ExchangeAsync(front.Address, "GET / HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData(HttpProtocols.Http2)]
    [InlineData(HttpProtocols.Http1)]
    public async Task Trailers_arrive_where_the_server_carries_them(HttpProtocols protocol)
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n");
        await using Front front = await Front.StartAsync(origin.Address, protocols: protocol);
        using var client = new HttpClient { DefaultRequestVersion = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using HttpResponseMessage response = await client.GetAsync(front.Address);

        Assert.Equal("hi", await response.Content.ReadAsStringAsync());
        Assert.Equal(protocol == HttpProtocols.Http2 ? ["42"] : [], response.TrailingHeaders.SelectMany(t => t.Value));
    }

    [Fact]
    public async Task A_HEAD_keeps_the_length_and_has_no_body()
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        await using Front front = await Front.StartAsync(origin.Address);

        string answer = await RawClient.ExchangeAsync(front.Address, "HEAD / HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n");

        Assert.Contains("\r\nContent-Length: 10\r\n", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    private sealed class UnknownLength(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
