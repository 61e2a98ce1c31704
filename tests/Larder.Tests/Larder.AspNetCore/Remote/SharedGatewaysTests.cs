using System.Net;
using Larder.AspNetCore;
using Larder.Gateway.Hosting;
using Larder.Tests.Remote;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Http;

/// <summary>Gateways share what they store as servers do that have the cache in process; and a restart keeps it.</summary>
public sealed class SharedGatewaysTests
{
    private static async Task<WebApplication> OriginAsync(Func<string> body)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.Run(context => context.Response.WriteAsync(body()));
        await app.StartAsync();
        return app;
    }

    [Fact]
    [Trait("clause", "R-27")]
    public async Task Gateways_share_answers_and_a_write_through_one_ends_those_of_all()
    {
        int version = 0;
        await using WebApplication origin = await OriginAsync(() => $"v{Interlocked.Increment(ref version)}");
        var redis = new ModelRedis();
        var options = new GatewayOptions
        {
            Origin = new(origin.Urls.Single()),
            Urls = ["http://127.0.0.1:0"],
            Rules = [new() { Pattern = RulePattern.Path("/x"), Ttl = TimeSpan.FromMinutes(5), Tags = ["t"] }],
        };
        using ModelNode first = new(redis), second = new(redis);
        await using WebApplication a = await StartAsync(first), b = await StartAsync(second);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal("MISS v1", await AskAsync(a, "GET"));
        await StoredAsync("v1");
        Assert.Equal("HIT v1", await AskAsync(b, "GET"));
        Assert.Equal(1, second.Cache.ReasonCounts["hit-redis"]);
        Assert.Equal("BYPASS v2", await AskAsync(b, "PUT"));
        first.ReadLog();
        Assert.Equal("MISS v3", await AskAsync(a, "GET"));
        await StoredAsync("v3");
        second.ReadLog();
        Assert.Equal("HIT v3", await AskAsync(b, "GET"));
        await second.Cache.InvalidateAsync(Invalidation.Tag("t"));
        first.ReadLog();
        Assert.Equal("MISS v4", await AskAsync(a, "GET"));

        // A client has its answer before that is stored.
        Task StoredAsync(string body) => Eventually.True(() => redis.Run(model => model.Get("http://site.test/x").Stored is { } stored && stored.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(body)) >= 0) && first.Tier.Writes.IsIdle);

        async Task<WebApplication> StartAsync(ModelNode node)
        {
            node.Connect();
            node.ReadLog();
            WebApplication app = GatewayHost.Build(options, builder =>
            {
                builder.Logging.ClearProviders();
                builder.Services.AddSingleton(node.Cache);
            });
            await app.StartAsync();
            return app;
        }

        async Task<string> AskAsync(WebApplication app, string method)
        {
            using var request = new HttpRequestMessage(new(method), new Uri(new Uri(app.Urls.Single()), "/x"));
            request.Headers.Host = "site.test";
            using HttpResponseMessage answer = await client.SendAsync(request);
            return $"{answer.Headers.GetValues("X-Cache").Single()} {await answer.Content.ReadAsStringAsync()}";
        }
    }

    [Fact]
    public async Task Responses_survive_a_warm_restart_with_their_age()
    {
        int version = 0;
        Task Origin(HttpContext context)
        {
            context.Response.Headers.CacheControl = "max-age=100";
            context.Response.Headers.Vary = "Accept";
            return context.Response.WriteAsync($"v{++version}");
        }
        var time = new ManualTimeProvider();
        using var file = new MemoryStream();
        using (var cache = new LarderCache(time: time))
        {
            await using HttpNode before = await HttpNode.StartAsync(cache, Origin, time: time);
            await before.GetAsync("/x");
            time.Advance(TimeSpan.FromSeconds(30));
            Assert.Equal((2, 0), (await cache.Snapshots.WriteAsync(file, default)) is var saved ? (saved.Entries, saved.Skipped) : default);
        }
        time.Advance(TimeSpan.FromSeconds(30));
        using var next = new LarderCache(time: time);
        file.Position = 0;
        await next.Snapshots.ReadAsync(file, null, default);
        await using HttpNode after = await HttpNode.StartAsync(next, Origin, time: time);
        HttpAnswer hit = await after.GetAsync("/x");
        Assert.Equal("HIT  v1", hit.How);
        // To a second, as instants before the start of a process are kept.
        Assert.InRange(int.Parse(hit["Age"]!, System.Globalization.CultureInfo.InvariantCulture), 60, 61);
    }
}
