using System.Text;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The store of ASP.NET Core's output caching on several nodes (docs/invalidation.md, R-18).</summary>
public sealed class SharedOutputTests : IAsyncLifetime
{
    private RedisServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>A node and its store; each call of <see cref="Request"/> is a request of its own.</summary>
    private sealed class Site(PolledNode node) : IHttpContextAccessor
    {
        private readonly AsyncLocal<HttpContext?> _context = new();

        public PolledNode Node => node;

        public HttpContext? HttpContext
        {
            get => _context.Value;
            set => _context.Value = value;
        }

        public LarderOutputCacheStore Store => field ??= new(node.Cache, this);

        /// <summary>What a request is answered with, and whether that was stored already.</summary>
        public async Task<(string Body, bool IsHit)> Request(string made, Func<Task>? meanwhile = null)
        {
            HttpContext = new DefaultHttpContext();
            if (await Store.GetAsync("page", default) is { } stored) return (Encoding.UTF8.GetString(stored), true);
            if (meanwhile is not null) await meanwhile();
            await Store.SetAsync("page", Encoding.UTF8.GetBytes(made), ["zones:north"], TimeSpan.FromMinutes(5), default);
            while (!node.Cache.Remote!.Tier.Writes.IsIdle) await Task.Delay(1);
            return (made, false);
        }
    }

    [Fact]
    public async Task Nodes_share_responses_and_evictions_reach_all_of_them()
    {
        await using PolledNode a = await PolledNode.StartAsync(_server), b = await PolledNode.StartAsync(_server);
        Site onA = new(a), onB = new(b);
        Assert.Equal(("1", false), await onA.Request("1"));
        Assert.Equal(("1", true), await onB.Request("2"));
        Assert.Equal(("1", true), await onB.Request("2"));
        await onA.Store.EvictByTagAsync("zones", default);
        while (b.Follower.Usable!.SeenUpTo < 1) await Task.Delay(1);
        Assert.Equal(("3", false), await onB.Request("3"));
        while (a.Follower.Usable!.SeenUpTo < 1) await Task.Delay(1);
        Assert.Equal(("3", true), await onA.Request("4"));
    }

    [Fact]
    public async Task What_is_evicted_anywhere_while_it_is_made_is_used_nowhere_else()
    {
        await using PolledNode a = await PolledNode.StartAsync(_server), b = await PolledNode.StartAsync(_server), c = await PolledNode.StartAsync(_server);
        Site onA = new(a), onB = new(b), onC = new(c);
        await onB.Request("old", async () => await onA.Store.EvictByTagAsync("zones", default));
        while (c.Follower.Usable!.SeenUpTo < 1) await Task.Delay(1);
        Assert.Equal(("new", false), await onC.Request("new"));
        // One that was not overtaken would have been found there.
        Assert.Equal(("new", true), await onA.Request("-"));
    }

    [Fact]
    public async Task A_response_whose_place_another_node_has_filled_meanwhile_leaves_that_as_it_is()
    {
        await using PolledNode a = await PolledNode.StartAsync(_server), b = await PolledNode.StartAsync(_server), c = await PolledNode.StartAsync(_server);
        Site onA = new(a), onB = new(b), onC = new(c);
        await onB.Request("slow", async () => await Task.Run(() => onA.Request("quick")));
        Assert.Equal(("quick", true), await onC.Request("-"));
    }
}
