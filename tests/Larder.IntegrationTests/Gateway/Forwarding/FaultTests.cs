using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Larder.AspNetCore;
using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>Origins that misbehave, and clients that leave.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task A_refused_connection_is_a_502_that_names_origin_and_cause()
    {
        Uri nobody = RawOrigin.Nobody();
        await using Front front = await Front.StartAsync(nobody);
        using var client = new HttpClient();

        using HttpResponseMessage response = await client.GetAsync(new Uri(front.Address, "/a?secret=1"));
        JsonElement document = await response.Content.ReadFromJsonAsync<JsonElement>();

        string name = nobody.GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal($$"""{"type":"about:blank","title":"Bad Gateway","status":502,"detail":"{{name}} refused the connection.","origin":"{{name}}","reason":"error-unreachable"}""", document.GetRawText());
        Assert.Equal((Reason.ErrorUnreachable, null), front.NextEnd());
        Assert.DoesNotContain(front.Logs, l => l.Id.Id is > 4000 and < 5000 && l.Text.Contains("secret", StringComparison.Ordinal));
        Assert.Contains(front.Logs, l => l.Id.Id == 4001);
    }

    [Fact]
    public async Task An_unknown_name_is_a_502()
    {
        await using Front front = await Front.StartAsync(new Uri("http://no-such-name.invalid"));

        Assert.Contains("could not be resolved", await ProblemAsync(front, HttpStatusCode.BadGateway));
        Assert.Equal(Reason.ErrorUnreachable, front.NextEnd().Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-")]
    public async Task A_connection_closed_before_the_headers_is_a_502(string start)
    {
        using RawOrigin origin = RawOrigin.Answering(start);
        await using Front front = await Front.StartAsync(origin.Address);

        Assert.Contains("before answering", await ProblemAsync(front, HttpStatusCode.BadGateway));
        Assert.Equal(Reason.ErrorUnreachable, front.NextEnd().Reason);
    }

    [Fact]
    public async Task A_request_that_is_not_idempotent_is_sent_once()
    {
        using RawOrigin origin = RawOrigin.Answering("");
        await using Front front = await Front.StartAsync(origin.Address);
        using var client = new HttpClient();

        using HttpResponseMessage response = await client.PostAsync(front.Address, null);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, origin.Connections);
    }

    [Theory]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 abc OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Bad: a\u0001b\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")]
    public async Task A_malformed_answer_is_a_502_and_nothing_of_it_is_shown(string answer)
    {
        using RawOrigin origin = RawOrigin.Answering(answer);
        await using Front front = await Front.StartAsync(origin.Address);

        Assert.DoesNotContain("hello", await ProblemAsync(front, HttpStatusCode.BadGateway));
        Assert.Equal((Reason.ErrorProtocol, null), front.NextEnd());
    }

    [Fact]
    public async Task A_hanging_origin_is_a_504()
    {
        using var origin = new RawOrigin((_, stop) => Task.Delay(-1, stop));
        await using Front front = await Front.StartAsync(origin.Address, response: Short);

        Assert.Contains("did not answer within 0.2 s", await ProblemAsync(front, HttpStatusCode.GatewayTimeout));
        Assert.Equal((Reason.ErrorTimeout, null), front.NextEnd());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true)]
    public async Task A_body_that_breaks_off_is_broken_for_the_client_too(string answer, bool stalls)
    {
        using var origin = new RawOrigin(async (wire, stop) =>
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync(answer);
            if (stalls) await Task.Delay(-1, stop);
        });
        await using Front front = await Front.StartAsync(origin.Address, idle: stalls ? Short : null);
        using var client = new HttpClient();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync(front.Address));

        (Reason? reason, Exception? thrown) = front.NextEnd();
        Assert.Null(reason);
        Assert.Equal(stalls ? Reason.ErrorTimeout : Reason.ErrorProtocol, Assert.IsType<OriginBodyException>(thrown).Reason);
        Assert.DoesNotContain(front.Logs, l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_body_that_breaks_off_while_the_response_is_held_back_leaves_the_answer_to_the_middleware()
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        using var forwarder = new Forwarder(new ForwarderOptions { Origin = origin.Address }, NullLogger<Forwarder>.Instance, TimeProvider.System);
        var held = new DefaultHttpContext();
        held.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/";
        held.Request.Method = "GET";
        held.Request.Protocol = "HTTP/1.1";
        held.Response.Body = new MemoryStream();

        await Assert.ThrowsAsync<OriginBodyException>(() => forwarder.ForwardAsync(held));

        Assert.Equal(Reason.ErrorProtocol, held.Features.Get<IOriginFailureFeature>()!.Reason);
        Assert.False(held.RequestAborted.IsCancellationRequested);
    }

    [Fact]
    public async Task A_failed_TLS_handshake_is_a_502()
    {
        using var origin = new RawOrigin(async (wire, stop) =>
        {
            await wire.Stream.ReadExactlyAsync(new byte[1], stop);
            await wire.SendAsync("HTTP/1.1 400 No\r\n\r\n");
        });
        await using Front front = await Front.StartAsync(new UriBuilder(origin.Address) { Scheme = "https" }.Uri);

        Assert.Contains("failed the TLS handshake", await ProblemAsync(front, HttpStatusCode.BadGateway));
        Assert.Equal(Reason.ErrorUnreachable, front.NextEnd().Reason);
    }

    [Fact]
    public async Task A_slow_drip_within_the_idle_timeout_arrives_whole()
    {
        using var origin = new RawOrigin(async (wire, stop) =>
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
            foreach (char c in "hello")
            {
                await Task.Delay(20, stop);
                await wire.SendAsync(c.ToString());
            }
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using var client = new HttpClient();

        Assert.Equal("hello", await client.GetStringAsync(front.Address));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_leaves_cancels_the_origins_request_quietly(bool afterHead)
    {
        var asked = new TaskCompletionSource();
        var gone = new TaskCompletionSource();
        using var origin = new RawOrigin(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            if (afterHead) await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh");
            asked.SetResult();
            await wire.ReadToEndAsync();
            gone.SetResult();
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using RawClient client = await RawClient.ConnectAsync(front.Address);
        await client.Wire.SendAsync("GET / HTTP/1.1\r\nHost: front\r\n\r\n");
        await asked.Task;
        if (afterHead) await client.Wire.ReadHeadAsync();

        client.Reset();

        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.IsAssignableFrom<OperationCanceledException>(front.NextEnd().Thrown);
        Assert.DoesNotContain(front.Logs, l => l.Level > LogLevel.Debug && l.Id.Id is > 4000 and < 5000);
        Assert.DoesNotContain(front.Logs, l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz\r\n", null, 400)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n20\r\n0123456789abcdef0123456789abcdef\r\n", 16L, 413)]
    [InlineData("Content-Length: 32\r\n\r\n0123456789abcdef0123456789abcdef", 16L, 413)]
    public async Task A_bad_request_body_is_the_clients_fault(string rest, long? limit, int status)
    {
        using var origin = new RawOrigin(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            await wire.ReadToEndAsync();
        });
        await using Front front = await Front.StartAsync(origin.Address, maxBody: limit);
        using RawClient client = await RawClient.ConnectAsync(front.Address);

        await client.Wire.SendAsync($"POST / HTTP/1.1\r\nHost: front\r\n{rest}");

        Assert.StartsWith($"HTTP/1.1 {status} ", await client.Wire.ReadHeadAsync());
        Assert.Equal((null, null), front.NextEnd());
    }

    [Fact]
    public async Task A_request_body_that_stalls_is_not_blamed_on_the_origin()
    {
        using var origin = new RawOrigin(async (wire, _) => await wire.ReadToEndAsync());
        await using Front front = await Front.StartAsync(origin.Address, response: Short);
        using RawClient client = await RawClient.ConnectAsync(front.Address);

        await client.Wire.SendAsync("POST / HTTP/1.1\r\nHost: front\r\nContent-Length: 5\r\n\r\nab");

        Assert.StartsWith("HTTP/1.1 408 ", await client.Wire.ReadHeadAsync());
        Assert.Equal((null, null), front.NextEnd());
    }

    private static async Task<string> ProblemAsync(Front front, HttpStatusCode status)
    {
        using var client = new HttpClient();
        using HttpResponseMessage response = await client.GetAsync(front.Address);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.ToString());
        return await response.Content.ReadAsStringAsync();
    }
}
