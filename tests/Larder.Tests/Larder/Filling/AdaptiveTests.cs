using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Filling;

/// <summary>What is stored is decided by the result: conditions, null, and factories that are given a context.</summary>
public sealed class AdaptiveTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<LarderCache> _log = new();
    private readonly LarderCache _cache;

    public AdaptiveTests() => _cache = new(new() { MaxEntryBytes = 1000 }, _time, _log);

    public void Dispose() => _cache.Dispose();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public async Task A_result_that_the_condition_refuses_is_handed_out_and_not_stored()
    {
        EntryOptions options = new() { StoreWhen = static value => value is > 10 };
        LookupResult<int> refused = await _cache.GetOrCreateResultAsync("k", _ => new ValueTask<int>(1), options);
        Assert.Equal((1, Reason.MissCold, Reason.UnstoredCondition), (refused.Value, refused.Reason, refused.Unstored));
        Assert.False(_cache.Exists("k"));
        Assert.Equal(1, _cache.ReasonCounts["unstored-condition"]);
        Assert.Equal(Reason.None, (await _cache.GetOrCreateResultAsync("k", _ => new ValueTask<int>(11), options)).Unstored);
        Assert.Equal(11, _cache.GetLocal<int>("k").Value);
        Assert.Equal(Reason.UnstoredCondition, _cache.TryStore("t", 1, options, _cache.BeginFill()));
        Assert.Equal(Reason.None, await _cache.SetAsync("s", 1, options));
    }

    [Fact]
    public async Task A_condition_that_throws_costs_the_storing_not_the_call()
    {
        EntryOptions options = new() { StoreWhen = static _ => throw new FormatException() };
        Assert.Equal(1, await _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(1), options));
        Assert.False(_cache.Exists("k"));
        Assert.Equal((41, LogLevel.Warning), (Assert.Single(_log.Lines).Id, Assert.Single(_log.Lines).Level));
    }

    [Fact]
    public async Task Null_is_stored_only_where_that_is_asked_for()
    {
        int calls = 0;
        ValueTask<string?> Make(CancellationToken token)
        {
            calls++;
            return new((string?)null);
        }
        LookupResult<string?> unstored = await _cache.GetOrCreateResultAsync("k", Make);
        Assert.Equal((true, null, Reason.UnstoredCondition), (unstored.Found, unstored.Value, unstored.Unstored));
        Assert.Null(await _cache.GetOrCreateAsync("k", Make));
        Assert.Equal(2, calls);
        EntryOptions nulls = new() { StoreNull = true };
        Assert.Null(await _cache.GetOrCreateAsync("k", Make, nulls));
        Assert.Null(await _cache.GetOrCreateAsync("k", Make, nulls));
        Assert.Equal(3, calls);
        Assert.True(_cache.GetLocal<string?>("k").Found);
        Assert.Equal(Reason.None, await _cache.SetAsync<string?>("set", null));
        Assert.True(_cache.GetLocal<string?>("set").Found);
        Assert.Equal(Reason.UnstoredCondition, _cache.TryStore<string?>("t", null, new(), _cache.BeginFill()));
        Assert.Equal(Reason.None, _cache.TryStore<string?>("t", null, nulls, _cache.BeginFill()));
    }

    [Theory]
    [InlineData("condition", true)]
    [InlineData("declined", true)]
    [InlineData("null", false)]
    [InlineData("large", false)]
    [InlineData("tags", false)]
    public async Task What_is_stored_stays_only_where_the_program_says_that_the_newer_is_not_worth_it(string why, bool stays)
    {
        EntryOptions options = new() { Ttl = Seconds(10), StaleIfError = Seconds(60), StoreWhen = static v => v is not "bad" };
        await _cache.SetAsync("k", "old", options);
        _time.Advance(Seconds(10));
        string? made = await _cache.GetOrCreateAsync<string?>("k", (context, _) =>
        {
            if (why == "declined") context.DoNotStore();
            if (why == "tags") context.AddTags([.. Enumerable.Range(0, 21).Select(i => "t" + i)]);
            return new(why switch { "condition" => "bad", "null" => null, "large" => new string('x', 1000), _ => "new" });
        }, options);
        Assert.NotEqual("old", made);
        Assert.Equal(stays, (await _cache.GetAsync<string>("k", allowStale: true)).Value == "old");
    }

    [Fact]
    public async Task A_refresh_whose_result_is_refused_is_not_repeated_at_once()
    {
        EntryOptions options = new() { Ttl = Seconds(10), StaleWhileRevalidate = Seconds(60), StoreWhen = static v => v is not "bad", RetryAfter = Seconds(5) };
        await _cache.SetAsync("k", "old", options);
        _time.Advance(Seconds(10));
        int calls = 0;
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("old", await _cache.GetOrCreateAsync("k", _ =>
            {
                calls++;
                return new ValueTask<string>("bad");
            }, options));
            await Eventually.True(() => _cache.FillsUnderWay == 0);
        }
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task The_factory_decides_how_its_result_is_kept()
    {
        LookupResult<string> made = await _cache.GetOrCreateResultAsync<string>("k", async (context, token) =>
        {
            await Task.Yield();
            Assert.Equal(("k", false), (context.Key, context.Stored.Found));
            Assert.Equal(["call"], context.Options.Tags);
            context.AddTags("made:1", "made:2");
            context.Options = context.Options with { Ttl = Seconds(3), User = "ann", Size = 500, StaleIfError = Seconds(7) };
            return "v";
        }, new() { Tags = ["call"], Ttl = Seconds(100) });
        Assert.Equal(Seconds(3), made.Remaining);
        Assert.InRange(_cache.Statistics.Bytes, 500, 1000);
        _time.Advance(Seconds(9));
        Assert.True((await _cache.GetAsync<string>("k", allowStale: true)).IsStale);
        await _cache.InvalidateAsync(Invalidation.Tag("made:2"));
        Assert.False((await _cache.GetAsync<string>("k", allowStale: true)).Found);
    }

    [Fact]
    public async Task A_factory_may_confirm_what_is_stored()
    {
        EntryOptions options = new() { Ttl = Seconds(10), StaleIfError = Seconds(60) };
        ValueTask<LookupResult<List<int>>> Call(bool changed) => _cache.GetOrCreateResultAsync<List<int>>("k", (context, _) =>
            new(context.Stored.Found && !changed ? context.NotModified() : [1, 2]), options);
        Assert.Equal(Reason.MissCold, (await Call(false)).Reason);
        _time.Advance(Seconds(50));
        LookupResult<List<int>> confirmed = await Call(false);
        Assert.Equal(Reason.Revalidated, confirmed.Reason);
        Assert.Equal([1, 2], confirmed.Value!);
        Assert.Equal(Seconds(10), _cache.GetTimeToLive("k"));
        Assert.Equal(Reason.HitMemory, (await Call(false)).Reason);
        _time.Advance(Seconds(50));
        Assert.Equal(Reason.MissExpired, (await Call(true)).Reason);
        _time.Advance(Seconds(1));
        await _cache.InvalidateAsync(Invalidation.Key("k"));
        Assert.Equal(Reason.MissInvalidated, (await Call(false)).Reason);
        _time.Advance(Seconds(70));
        Assert.Equal(Reason.MissExpired, (await Call(false)).Reason);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _cache.GetOrCreateAsync<string>("cold", (context, _) => new(context.NotModified())));
    }

    [Fact]
    public async Task A_confirmation_that_an_invalidation_overtakes_is_not_stored()
    {
        EntryOptions options = new() { Ttl = Seconds(10), StaleIfError = Seconds(60), Tags = ["t"] };
        await _cache.SetAsync("k", "old", options);
        _time.Advance(Seconds(10));
        var gate = new TaskCompletionSource();
        Task<LookupResult<string>> call = _cache.GetOrCreateResultAsync<string>("k", async (context, _) =>
        {
            await gate.Task;
            return context.NotModified();
        }, options).AsTask();
        await _cache.InvalidateAsync(Invalidation.Tag("t"));
        Task<string> late = _cache.GetOrCreateAsync("k", _ => new ValueTask<string>("new"), options).AsTask();
        gate.SetResult();
        Assert.Equal(("old", Reason.UnstoredOvertaken), ((await call).Value, (await call).Unstored));
        Assert.Equal("new", await late);
    }

    [Fact]
    public async Task Options_that_a_factory_gets_wrong_are_its_own_failure()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.GetOrCreateAsync<string>("k", (context, _) =>
        {
            context.Options = context.Options with { Ttl = TimeSpan.Zero };
            return new("v");
        }));
        Assert.Contains("Ttl is 00:00:00", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.GetOrCreateAsync<string>("k", (context, _) =>
        {
            context.AddTags("");
            return new("v");
        }));
        Assert.Equal("v", await _cache.GetOrCreateAsync<string>("k", (_, _) => new("v")));
    }
}
