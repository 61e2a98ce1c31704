using Larder.AspNetCore;
using Larder.Gateway.Hosting;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Gateway.Hosting;

/// <summary>A running gateway that is given another configuration.</summary>
public sealed class ReloadTests
{
    private static CacheRule Rule(int seconds) => new() { Pattern = RulePattern.Glob("*"), Ttl = TimeSpan.FromSeconds(seconds) };

    [Fact]
    public async Task Stored_responses_outlive_what_does_not_change_the_rules_and_no_other()
    {
        int version = 0;
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync($"v{++version}"));
        GatewayOptions options = new() { Origin = origin.Address, Rules = [Rule(100)] };
        await using Gateway gateway = await Gateway.StartAsync(options);
        Assert.Equal("v1", (await gateway.GetAsync("/")).Body);

        gateway.Reload.Apply(options with { Rules = [Rule(100)], IdleTimeout = TimeSpan.FromSeconds(9), Retries = 2, Headers = new() { Request = new() { Remove = ["X-A"] } } });
        Assert.Equal("v1", (await gateway.GetAsync("/")).Body);

        gateway.Reload.Apply(options with { Rules = [Rule(200)] });
        Assert.Equal("v2", (await gateway.GetAsync("/")).Body);
        Assert.Equal("v2", (await gateway.GetAsync("/")).Body);

        gateway.Reload.Apply(options with { Rules = [new() { Pattern = RulePattern.Glob("*"), Never = true }] });
        Assert.Equal("v3", (await gateway.GetAsync("/")).Body);
        Assert.Equal("v4", (await gateway.GetAsync("/")).Body);
        Assert.Equal(3, gateway.Logs.Count(line => line.Id == 4018));
        Assert.DoesNotContain(gateway.Logs, line => line.Id == 4020);
    }

    [Fact]
    public async Task A_request_in_progress_ends_as_it_began_and_the_next_goes_elsewhere()
    {
        var asked = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using KestrelOrigin before = await KestrelOrigin.StartAsync(async context =>
        {
            await context.Response.WriteAsync("be");
            await context.Response.Body.FlushAsync();
            asked.TrySetResult();
            await go.Task;
            await context.Response.WriteAsync("fore");
        });
        await using KestrelOrigin after = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync("after"));
        GatewayOptions options = new() { Origin = before.Address };
        await using Gateway gateway = await Gateway.StartAsync(options);
        var running = gateway.GetAsync("/");
        await asked.Task;

        gateway.Reload.Apply(options with { Origin = after.Address });

        Assert.Equal("after", (await gateway.GetAsync("/other")).Body);
        go.SetResult();
        Assert.Equal("before", (await running).Body);
    }

    [Fact]
    public async Task Servers_that_stay_keep_their_connections()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync($"{context.Connection.Id}"));
        GatewayOptions options = new() { Origins = [new() { Urls = [origin.Address], Path = "/a" }] };
        await using Gateway gateway = await Gateway.StartAsync(options);
        string connection = (await gateway.GetAsync("/a")).Body;

        gateway.Reload.Apply(new() { Origins = [new() { Urls = [origin.Address], Path = "/b" }] });
        Assert.Equal(connection, (await gateway.GetAsync("/b")).Body);
        Assert.Equal(404, (await gateway.GetAsync("/a")).Status);

        gateway.Reload.Apply(new() { Origins = [new() { Urls = [origin.Address], Path = "/b" }], ConnectTimeout = TimeSpan.FromSeconds(1) });
        Assert.NotEqual(connection, (await gateway.GetAsync("/b")).Body);
    }

    [Fact]
    public async Task What_needs_a_restart_is_named()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(_ => Task.CompletedTask);
        GatewayOptions options = new() { Origin = origin.Address };
        await using Gateway gateway = await Gateway.StartAsync(options);

        gateway.Reload.Apply(options with
        {
            Urls = ["http://127.0.0.1:1"], Tls = new() { Certificate = "a" }, MaxBytes = 1, MaxBodyBytes = 1, KeepStale = default, CacheErrors = true, PrivateUserHeader = "X-Key", Redis = "h",
        });

        Assert.Equal("These need a restart to change: urls, tls, memory, body, keepStale, cacheErrors, privateUserHeader, redis", Assert.Single(gateway.Logs, line => line.Id == 4020).Text);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
    }

    [Fact]
    public async Task Requests_never_fail_while_configurations_come_and_go()
    {
        await using KestrelOrigin a = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync("a")), b = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync("b"));
        GatewayOptions options = new() { Origin = a.Address };
        await using Gateway gateway = await Gateway.StartAsync(options);
        using var stop = new CancellationTokenSource();
        Task[] clients = [.. Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!stop.IsCancellationRequested) Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        })];

        for (int i = 0; i < 50; i++)
        {
            gateway.Reload.Apply(options with { Origin = i % 2 == 0 ? b.Address : a.Address, Rules = [Rule(i + 1)] });
            await Task.Yield();
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }
}
