using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>Slow fills among many writes to other keys that share the mark of theirs: only what happens to their own key matters.</summary>
public sealed class SharedMarkTests : IDisposable
{
    private const string Key = "slow";
    private const int Writes = 100_000;
    private static readonly string[] Neighbours = FindNeighbours(8);

    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly TaskCompletionSource<string> _source = new();
    private int _calls;

    public SharedMarkTests() => _cache = new(new() { MaxEntries = 100 }, _time);

    public void Dispose() => _cache.Dispose();

    public enum Way
    {
        Call,
        Adaptive,
        Batch,
        Hybrid,
        Refresh,
        BatchRefresh,
    }

    public static TheoryData<Way> Ways => [.. Enum.GetValues<Way>()];

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("clause", "I-28")]
    public async Task A_slow_fill_survives_writes_to_keys_that_share_its_mark(Way way)
    {
        Task filled = await BeginAsync(way);
        Stamp twoSteps = _cache.BeginFill();
        await WriteNeighboursAsync();
        // Who is told nothing goes by the mark, and that is newer.
        Assert.Equal(Reason.UnstoredOvertaken, _cache.TryStore(Key, "two steps", new(), twoSteps));
        _source.SetResult("made");
        await filled;
        await Eventually.True(() => _cache.GetLocal<string>(Key).Value == "made");
        Assert.Equal(1, _calls);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("clause", "I-28"), Trait("clause", "I-4")]
    public async Task One_event_of_its_own_key_refuses_it(Way way)
    {
        Task filled = await BeginAsync(way);
        await _cache.InvalidateAsync(Invalidation.Key(Key));
        _source.SetResult("made");
        await filled;
        await Eventually.True(() => _cache.Reasons[Reason.UnstoredOvertaken] == 1);
        Assert.False(_cache.Exists(Key));
    }

    [Fact]
    [Trait("clause", "I-28"), Trait("clause", "I-4")]
    public async Task An_event_between_making_and_storing_is_told()
    {
        var options = new EntryOptions
        {
            StoreWhen = _ =>
            {
                _cache.RemoveAsync(Key).AsTask().Wait();
                return true;
            },
        };
        Assert.Equal("made", await _cache.GetOrCreateAsync(Key, _ => new ValueTask<string>("made"), options));
        Assert.False(_cache.Exists(Key));
        Assert.Equal(1, _cache.Reasons[Reason.UnstoredOvertaken]);
    }

    [Fact]
    [Trait("clause", "I-28"), Trait("clause", "I-12")]
    public async Task Callers_join_a_flight_whose_mark_is_newer_and_take_what_it_brings()
    {
        Task first = await BeginAsync(Way.Call);
        await WriteNeighboursAsync();
        Task<string> follower = _cache.GetOrCreateAsync(Key, Make).AsTask();
        Task<IReadOnlyDictionary<string, string>> batch = _cache.GetOrCreateManyAsync<SharedMarkTests, string>([Key], this, MakeMany).AsTask();
        await WriteNeighboursAsync();
        _source.SetResult("made");
        await first;
        Assert.Equal("made", await follower);
        Assert.Equal("made", (await batch)[Key]);
        Assert.Equal(1, _calls);
        Assert.Equal(2, _cache.Reasons[Reason.Coalesced]);
    }

    [Fact]
    [Trait("clause", "I-28")]
    public async Task A_failure_is_remembered_although_the_mark_is_newer()
    {
        Task<string> failed = _cache.GetOrCreateAsync(Key, Make, new() { FailureTtl = TimeSpan.FromMinutes(1) }).AsTask();
        await WriteNeighboursAsync();
        _source.SetException(new FormatException());
        await Assert.ThrowsAsync<FormatException>(() => failed);
        await Assert.ThrowsAsync<FormatException>(async () => await _cache.GetOrCreateAsync(Key, Make));
        Assert.Equal(1, _calls);
    }

    private async Task<Task> BeginAsync(Way way)
    {
        if (way is Way.Refresh or Way.BatchRefresh)
        {
            await _cache.SetAsync(Key, "stored", new() { Ttl = TimeSpan.FromSeconds(1), StaleWhileRevalidate = TimeSpan.FromHours(1) });
            _time.Advance(TimeSpan.FromSeconds(2));
        }
        Task filled = way switch
        {
            Way.Adaptive => _cache.GetOrCreateAsync(Key, (FillContext<string> _, CancellationToken token) => Make(token)).AsTask(),
            Way.Batch or Way.BatchRefresh => _cache.GetOrCreateManyAsync<SharedMarkTests, string>([Key], this, MakeMany).AsTask(),
            Way.Hybrid => new LarderHybridCache(_cache).GetOrCreateAsync(Key, Make).AsTask(),
            _ => _cache.GetOrCreateAsync(Key, Make).AsTask(),
        };
        await Eventually.True(() => Volatile.Read(ref _calls) == 1);
        return filled;
    }

    private async Task WriteNeighboursAsync()
    {
        for (int i = 0; i < Writes; i++) await _cache.SetAsync(Neighbours[i % Neighbours.Length], i);
    }

    private async ValueTask<string> Make(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return await _source.Task;
    }

    private static async ValueTask<IReadOnlyDictionary<string, string>> MakeMany(SharedMarkTests test, IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        new Dictionary<string, string> { [keys[0]] = await test.Make(cancellationToken) };

    private static string[] FindNeighbours(int count)
    {
        int places = HashPlaces.CountFor(100);
        int place = KeyComparer.Hash(Key) & (places - 1);
        return [.. Enumerable.Range(0, int.MaxValue).Select(i => "other" + i).Where(key => (KeyComparer.Hash(key) & (places - 1)) == place).Take(count)];
    }
}
