using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.IntegrationTests.Http;

/// <summary>The framework's own output caching with its real middleware, over the cache.</summary>
public sealed class OutputCachingTests
{
    private static Task<Site> StartAsync(Func<string, Task> origin, string tag = "zones", bool overLarder = true) => Site.StartAsync(
        app =>
        {
            app.UseOutputCache();
            int calls = 0;
            app.MapGet("/{name}", async (string name) =>
            {
                int call = Interlocked.Increment(ref calls);
                await origin(name);
                return $"{name} {call}";
            }).CacheOutput(policy => policy.Tag(tag).SetVaryByQuery("*").Expire(TimeSpan.FromMinutes(1)));
        },
        services: services =>
        {
            if (overLarder) services.AddLarder().AddOutputCacheStore();
            services.AddOutputCache();
        }, accounts: false);

    private static ValueTask EvictAsync(Site site, string tag) => site.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync(tag, default);

    private static async Task<string> AskAsync(Site site, string path) => (await site.GetAsync(path)).Body;

    [Fact]
    public async Task Responses_are_kept_in_the_cache_until_their_tag_is_evicted()
    {
        await using Site site = await StartAsync(_ => Task.CompletedTask, "zones:north");
        Assert.Equal("a 1", await AskAsync(site, "/a"));
        Assert.Equal("a 1", await AskAsync(site, "/a"));
        Assert.Equal("a 2", await AskAsync(site, "/a?page=2"));
        Assert.Equal(2, site.Cache.GetKeys(glob: "output:*").Count);
        await EvictAsync(site, "zones:south");
        Assert.Equal("a 1", await AskAsync(site, "/a"));
        await EvictAsync(site, "Zones");
        Assert.Equal("a 3", await AskAsync(site, "/a"));
        await site.Cache.ClearAsync();
        Assert.Equal("a 4", await AskAsync(site, "/a"));
    }

    /// <summary>The framework's store takes in what an eviction has overtaken: so the test would find it here.</summary>
    [Theory]
    [InlineData(true, "a 2")]
    [InlineData(false, "a 1")]
    public async Task What_is_evicted_while_it_is_made_is_not_stored(bool overLarder, string next)
    {
        var begun = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        await using Site site = await StartAsync(_ =>
        {
            begun.TrySetResult();
            return end.Task;
        }, overLarder: overLarder);
        Task<string> first = AskAsync(site, "/a");
        await begun.Task;
        await EvictAsync(site, "zones");
        end.SetResult();
        Assert.Equal("a 1", await first);
        Assert.Equal(next, await AskAsync(site, "/a"));
    }

    [Fact]
    public async Task Long_targets_are_kept_by_their_hash()
    {
        await using Site site = await StartAsync(_ => Task.CompletedTask);
        string query = "?q=" + new string('x', 3000);
        Assert.Equal("a 1", await AskAsync(site, "/a" + query));
        Assert.Equal("a 1", await AskAsync(site, "/a" + query));
        Assert.Equal("a 2", await AskAsync(site, "/a" + query + "y"));
        Assert.Equal(2, site.Cache.GetKeys(glob: "output#*").Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("=zones")]
    [InlineData("a\nb")]
    public async Task A_response_with_a_tag_that_nothing_could_evict_is_handed_out_and_not_stored(string tag)
    {
        await using Site site = await StartAsync(_ => Task.CompletedTask, tag);
        Assert.Equal("a 1", await AskAsync(site, "/a"));
        Assert.Equal("a 2", await AskAsync(site, "/a"));
        await EvictAsync(site, tag);
    }

    /// <summary>Each of a crowd has looked, and one of them stores: that must not keep out what is made later.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_that_many_asked_for_is_kept_again_after_an_eviction(bool overLarder)
    {
        var open = new TaskCompletionSource();
        int begun = 0;
        await using Site site = await StartAsync(_ =>
        {
            Interlocked.Increment(ref begun);
            return open.Task;
        }, overLarder: overLarder);
        Task<string>[] crowd = [.. Enumerable.Range(0, 30).Select(_ => AskAsync(site, "/a"))];
        while (Volatile.Read(ref begun) == 0) await Task.Delay(1);
        open.SetResult();
        await Task.WhenAll(crowd);
        await EvictAsync(site, "zones");
        string after = await AskAsync(site, "/a");
        for (int i = 0; i < 10; i++) Assert.Equal(after, await AskAsync(site, "/a"));
    }

    [Fact]
    public async Task Many_other_misses_do_not_make_a_look_forgotten()
    {
        var begun = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        await using Site site = await StartAsync(name =>
        {
            if (name != "slow") return Task.CompletedTask;
            begun.TrySetResult();
            return end.Task;
        });
        Task<string> slow = AskAsync(site, "/slow");
        await begun.Task;
        await EvictAsync(site, "zones");
        var store = site.Services.GetRequiredService<IOutputCacheStore>();
        for (int i = 0; i < 50_000; i++) await store.GetAsync("other" + i, default);
        end.SetResult();
        await slow;
        Assert.NotEqual(await slow, await AskAsync(site, "/slow"));
    }

    [Fact]
    public async Task What_is_not_stored_is_counted()
    {
        using var cache = new LarderCache(null, new ManualTime());
        var contexts = new HttpContextAccessor();
        var store = new LarderOutputCacheStore(cache, contexts);
        await store.SetAsync("k", [1], null, TimeSpan.FromSeconds(10), default);
        contexts.HttpContext = new DefaultHttpContext();
        await store.SetAsync("k", [1], null, TimeSpan.FromSeconds(10), default);
        await store.GetAsync("other", default);
        await store.SetAsync("k", [1], null, TimeSpan.FromSeconds(10), default);
        Assert.Equal(3, cache.ReasonCounts["unstored-overtaken"]);
        await store.GetAsync("k", default);
        await store.SetAsync("k", [1], [.. Enumerable.Range(0, 21).Select(i => "t" + i)], TimeSpan.FromSeconds(10), default);
        Assert.Equal(1, cache.ReasonCounts["unstored-too-many-tags"]);
        await store.SetAsync("k", [1], ["=t"], TimeSpan.FromSeconds(10), default);
        Assert.Equal(1, cache.ReasonCounts["unstored-tag"]);
        Assert.Equal(0, cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_response_expires()
    {
        using var cache = new LarderCache(null, new ManualTime());
        var store = new LarderOutputCacheStore(cache, new HttpContextAccessor { HttpContext = new DefaultHttpContext() });
        Assert.Null(await store.GetAsync("k", default));
        await store.SetAsync("k", [1], null, TimeSpan.FromSeconds(10), default);
        Assert.Equal(TimeSpan.FromSeconds(10), cache.GetTimeToLive("output:k"));
        Assert.Equal([1], await store.GetAsync("k", default));
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.GetAsync("k", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.SetAsync("k", [2], null, TimeSpan.FromSeconds(10), cancelled));
        Assert.Equal([1], await store.GetAsync("k", default));
    }
}
