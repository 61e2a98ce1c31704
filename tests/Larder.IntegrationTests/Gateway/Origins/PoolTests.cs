using System.Net;
using Larder.AspNetCore;
using Larder.Gateway.Hosting;
using Larder.IntegrationTests.Gateway.Forwarding;
using Larder.IntegrationTests.Http;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Gateway.Origins;

/// <summary>An origin with several URLs, some of which fail.</summary>
public sealed class PoolTests
{
    [Fact]
    public async Task Requests_take_turns()
    {
        await using KestrelOrigin a = await EchoAsync("a"), b = await EchoAsync("b");
        await using Hosting.Gateway gateway = await StartAsync([a.Address, b.Address]);

        var bodies = new List<string>();
        for (int i = 0; i < 4; i++) bodies.Add((await gateway.GetAsync("/")).Body);

        Assert.Equal(["a", "b", "a", "b"], bodies);
    }

    [Theory]
    [InlineData("GET"), InlineData("OPTIONS"), InlineData("PUT"), InlineData("DELETE")]
    public async Task An_idempotent_request_without_a_body_is_sent_once_more_to_another_URL(string method)
    {
        await using KestrelOrigin alive = await EchoAsync("alive");
        await using Hosting.Gateway gateway = await StartAsync([RawOrigin.Nobody(), alive.Address]);

        for (int i = 0; i < 4; i++) Assert.Equal((200, "alive"), ((await gateway.GetAsync("/", method: method)) is var answer ? (answer.Status, answer.Body) : default));

        Assert.Contains(gateway.Logs, line => line.Id == 4009 && line.Text.Contains("refused the connection", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_closes_before_an_answer_counts_as_well()
    {
        using RawOrigin closing = RawOrigin.Answering("");
        await using KestrelOrigin alive = await EchoAsync("alive");
        await using Hosting.Gateway gateway = await StartAsync([closing.Address, alive.Address]);

        Assert.Equal("alive", (await gateway.GetAsync("/")).Body);
        Assert.True(closing.Connections > 0);
    }

    [Theory]
    [InlineData("POST", false), InlineData("PATCH", false), InlineData("PUT", true), InlineData("DELETE", true)]
    public async Task Nothing_else_is_ever_sent_twice(string method, bool hasBody)
    {
        int asked = 0;
        using RawOrigin closing = new(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            Interlocked.Increment(ref asked);
        });
        using RawOrigin other = new(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            Interlocked.Increment(ref asked);
        });
        await using Hosting.Gateway gateway = await StartAsync([closing.Address, other.Address], retries: 3);
        using var request = new HttpRequestMessage(new(method), gateway.Address) { Content = hasBody ? new StringContent("body") : null };

        using HttpResponseMessage answer = await gateway.Client.SendAsync(request);

        Assert.Equal((HttpStatusCode.BadGateway, 1), (answer.StatusCode, asked));
        Assert.DoesNotContain(gateway.Logs, line => line.Id == 4009);
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500)]
    [InlineData("garbage\r\n\r\n", 502)]
    public async Task An_answer_of_any_kind_is_final(string text, int status)
    {
        using RawOrigin origin = RawOrigin.Answering(text), other = RawOrigin.Answering(text);
        await using Hosting.Gateway gateway = await StartAsync([origin.Address, other.Address], retries: 3);

        Assert.Equal(status, (await gateway.GetAsync("/")).Status);
        Assert.Equal(1, origin.Connections + other.Connections);
    }

    [Theory]
    [InlineData(0, 0), InlineData(1, 1), InlineData(3, 3)]
    public async Task It_is_bounded(int retries, int expected)
    {
        await using Hosting.Gateway gateway = await StartAsync([RawOrigin.Nobody(), RawOrigin.Nobody(), RawOrigin.Nobody(), RawOrigin.Nobody(), RawOrigin.Nobody()], retries);

        Assert.Equal(502, (await gateway.GetAsync("/")).Status);
        Assert.Equal(expected, gateway.Logs.Count(line => line.Id == 4009));
    }

    [Fact]
    public async Task A_write_that_one_of_two_may_have_got_ends_what_was_stored()
    {
        bool closes = false;
        int version = 0;
        using RawOrigin a = new(ServeAsync), b = new(ServeAsync);
        await using Hosting.Gateway gateway = await StartAsync([a.Address, b.Address]);
        string before = (await gateway.GetAsync("/x")).Body;
        Assert.Equal(before, (await gateway.GetAsync("/x")).Body);
        closes = true;
        a.Dispose();

        Assert.Equal(502, (await gateway.GetAsync("/x", method: "DELETE")).Status);
        closes = false;

        Assert.NotEqual(before, (await gateway.GetAsync("/x")).Body);

        async Task ServeAsync(Wire wire, CancellationToken stop)
        {
            await wire.ReadHeadAsync();
            if (!closes) await wire.SendAsync($"HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 1\r\nConnection: close\r\n\r\n{Interlocked.Increment(ref version)}");
        }
    }

    [Fact]
    public async Task A_write_that_none_can_have_got_ends_nothing()
    {
        using RawOrigin a = new(ServeAsync), b = new(ServeAsync);
        await using Hosting.Gateway gateway = await StartAsync([a.Address, b.Address]);
        Assert.Equal("x", (await gateway.GetAsync("/x")).Body);
        a.Dispose();
        b.Dispose();

        Assert.Equal(502, (await gateway.GetAsync("/x", method: "DELETE")).Status);

        Assert.Equal("HIT", (await gateway.GetAsync("/x")).Answer.Headers.GetValues("X-Cache").Single());

        static async Task ServeAsync(Wire wire, CancellationToken stop)
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
        }
    }

    [Fact]
    public async Task A_URL_that_can_not_be_connected_to_is_left_alone_and_taken_back()
    {
        var time = new ManualTime();
        int port = Cli.Child.FreePort();
        await using KestrelOrigin alive = await EchoAsync("alive");
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(Options([new($"http://127.0.0.1:{port}"), alive.Address], 1), time);

        for (int i = 0; i < 20; i++) Assert.Equal("alive", (await gateway.GetAsync("/")).Body);
        Assert.Equal((3, 1), (gateway.Logs.Count(line => line.Id == 4009), gateway.Logs.Count(line => line.Id == 4010)));

        await using KestrelOrigin back = await EchoAsync("back", port);
        time.Advance(2);
        var bodies = new HashSet<string>();
        for (int i = 0; i < 4; i++) bodies.Add((await gateway.GetAsync("/")).Body);
        Assert.Equal(["alive", "back"], bodies.Order());
        Assert.Equal(1, gateway.Logs.Count(line => line.Id == 4011));
    }

    [Fact]
    public async Task A_URL_that_fails_its_checks_gets_no_requests_until_one_passes()
    {
        var time = new ManualTime();
        bool ill = false;
        int checks = 0;
        await using KestrelOrigin a = await KestrelOrigin.StartAsync(context =>
        {
            if (context.Request.Path != "/ready") return context.Response.WriteAsync("a");
            Interlocked.Increment(ref checks);
            context.Response.StatusCode = ill ? 503 : 204;
            return Task.CompletedTask;
        });
        await using KestrelOrigin b = await EchoAsync("b");
        GatewayOptions options = Options([a.Address, b.Address], 1);
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(
            options with { Origins = [options.Origins[0] with { Health = new() { Path = "/ready", Every = TimeSpan.FromSeconds(7) } }] }, time);
        await WaitingAsync(1);

        ill = true;
        await CheckAsync(2);
        Assert.DoesNotContain(gateway.Logs, line => line.Id == 4012);
        await CheckAsync(3);
        await gateway.LogsAsync(4012);
        for (int i = 0; i < 4; i++) Assert.Equal("b", (await gateway.GetAsync("/")).Body);

        ill = false;
        await CheckAsync(4);
        await gateway.LogsAsync(4013);
        var bodies = new HashSet<string>();
        for (int i = 0; i < 4; i++) bodies.Add((await gateway.GetAsync("/")).Body);
        Assert.Equal(["a", "b"], bodies.Order());

        Task CheckAsync(int expected)
        {
            time.Advance(7);
            return WaitingAsync(expected);
        }

        // Both servers have been checked when both loops wait again.
        async Task WaitingAsync(int expected)
        {
            for (int turn = 0; Volatile.Read(ref checks) < expected || time.Waiting(TimeSpan.FromSeconds(7)) < 2; turn++)
            {
                Assert.True(turn < 3000, "the checks did not end");
                await Task.Delay(10);
            }
        }
    }

    private static GatewayOptions Options(IReadOnlyList<Uri> urls, int retries) =>
        new() { Origins = [new() { Urls = urls, Retries = retries }], Rules = [] };

    private static Task<Hosting.Gateway> StartAsync(IReadOnlyList<Uri> urls, int retries = 1) => Hosting.Gateway.StartAsync(Options(urls, retries));

    private static Task<KestrelOrigin> EchoAsync(string name, int port = 0) => KestrelOrigin.StartAsync(context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(name);
    }, port);
}
