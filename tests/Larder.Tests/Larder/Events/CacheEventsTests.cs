using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Events;

public sealed class CacheEventsTests
{
    [Fact]
    public async Task Every_kind_is_told_once_with_its_key_and_reason()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = 2 }, time);
        var seen = new List<CacheEvent>();
        using IDisposable _ = cache.Events.Subscribe(seen.Add);

        await Expect(() => cache.GetAsync<int>("a").AsTask(), new CacheEvent(CacheEventKind.Miss, "a", Reason.MissCold));
        await Expect(() => cache.SetAsync("a", 1, new() { Tags = ["t"] }).AsTask(), new CacheEvent(CacheEventKind.Set, "a", Reason.None));
        await Expect(() => cache.SetAsync("a", 2, new() { Tags = ["t"] }).AsTask(), new CacheEvent(CacheEventKind.Set, "a", Reason.None));
        await Expect(() => cache.GetAsync<int>("a").AsTask(), new CacheEvent(CacheEventKind.Hit, "a", Reason.HitMemory));
        await Expect(() => cache.RemoveAsync("a").AsTask(), new CacheEvent(CacheEventKind.Remove, "a", Reason.None));
        await Expect(() => cache.RemoveAsync("a").AsTask());
        await Expect(() => cache.GetOrCreateAsync("a", _ => new ValueTask<int>(1), new() { Tags = ["t"] }).AsTask(),
            new CacheEvent(CacheEventKind.Miss, "a", Reason.MissInvalidated), new CacheEvent(CacheEventKind.Set, "a", Reason.None));
        await Expect(() => cache.InvalidateAsync(Invalidation.Tag("t")).AsTask());
        await Expect(() => cache.GetAsync<int>("a").AsTask(),
            new CacheEvent(CacheEventKind.Miss, "a", Reason.MissInvalidated), new CacheEvent(CacheEventKind.Invalidate, "a", Reason.None));
        await cache.SetAsync("a", 1, new() { Ttl = TimeSpan.FromSeconds(1) });
        await cache.SetAsync("b", 1);
        await Expect(() => cache.SetAsync("c", 1).AsTask(),
            new CacheEvent(CacheEventKind.Evict, "a", Reason.None), new CacheEvent(CacheEventKind.Set, "c", Reason.None));
        await Expect(() => cache.InvalidateAsync(Invalidation.Key("b")).AsTask(), new CacheEvent(CacheEventKind.Invalidate, "b", Reason.None));
        await cache.SetAsync("d", 1, new() { Ttl = TimeSpan.FromSeconds(1) });
        await Expect(() => { time.Advance(TimeSpan.FromSeconds(1)); return Task.CompletedTask; }, new CacheEvent(CacheEventKind.Expire, "d", Reason.None));

        async Task Expect(Func<Task> action, params CacheEvent[] events)
        {
            seen.Clear();
            await action();
            Assert.Equal(events, seen);
        }
    }

    [Fact]
    public async Task A_listener_that_throws_is_logged_and_harms_nobody()
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, null, log);
        var seen = new List<string>();
        using IDisposable _ = cache.Events.Subscribe(_ => throw new InvalidOperationException("listener"));
        using IDisposable __ = cache.Events.Subscribe(e => seen.Add(e.Key));
        await cache.SetAsync("secret-key", 1);
        Assert.Equal(1, cache.GetLocal<int>("secret-key").Value);
        Assert.Equal(["secret-key", "secret-key"], seen);
        Assert.Equal(2, log.Lines.Count);
        Assert.All(log.Lines, l => Assert.Equal((1, LogLevel.Error), (l.Id, l.Level)));
        Assert.All(log.Lines, l => Assert.DoesNotContain("secret-key", l.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_ended_subscription_hears_nothing()
    {
        using var cache = new LarderCache();
        int first = 0, second = 0;
        IDisposable subscription = cache.Events.Subscribe(_ => first++);
        using IDisposable other = cache.Events.Subscribe(_ => second++);
        await cache.SetAsync("k", 1);
        subscription.Dispose();
        subscription.Dispose();
        await cache.SetAsync("k", 1);
        Assert.Equal((1, 2), (first, second));
    }

    [Fact]
    public async Task A_listener_may_use_the_cache()
    {
        using var cache = new LarderCache(new() { MaxEntries = 1 });
        using IDisposable _ = cache.Events.Subscribe(e =>
        {
            if (e.Kind != CacheEventKind.Evict) return;
            // From another thread: it would stand still if the event were told under the store's lock.
            Task.Run(async () => await cache.InvalidateAsync(Invalidation.Tag("t"), count: true)).Wait();
        });
        await cache.SetAsync("a", 1);
        await cache.SetAsync("b", 1);
        Assert.True(cache.Exists("b"));
    }
}
