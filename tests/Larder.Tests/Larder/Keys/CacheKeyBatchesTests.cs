namespace Larder.Tests.Keys;

/// <summary>Batches of keys: one run, and each value is its key's user's.</summary>
public sealed class CacheKeyBatchesTests : IDisposable
{
    private readonly LarderCache _cache = new(new() { DefaultEntry = new() { FailureTtl = TimeSpan.FromMinutes(1) } });
    private readonly CacheKey _anns, _bobs, _nobodys;
    private int _runs;

    public CacheKeyBatchesTests()
    {
        (_anns, _bobs) = (_cache.Keys.ForEndpoint("e", user: "ann"), _cache.Keys.ForEndpoint("e", user: "bob"));
        _nobodys = _cache.Keys.ForEndpoint("e", [("text", new string('x', 2000))]);
    }

    public void Dispose() => _cache.Dispose();

    private CacheKey[] All => [_anns, _bobs, _nobodys];

    private ValueTask<IReadOnlyDictionary<CacheKey, string>> Load(IReadOnlyList<CacheKey> missing, CancellationToken token)
    {
        int run = ++_runs;
        return new(missing.ToDictionary(key => key, key => $"{key.User} {run}"));
    }

    private async Task<string> Stored() => string.Join(',', (await _cache.GetManyAsync<string>(All)).Values.Order());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_stored_is_each_users_own(bool set)
    {
        if (set) Assert.Empty(await _cache.SetManyAsync((await Load(All, default)).ToArray()));
        else Assert.Equal(All, (await _cache.GetOrCreateManyAsync<string>(All, Load)).Keys);
        Assert.Equal(" 1,ann 1,bob 1", await Stored());
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.Equal(" 1,bob 1", await Stored());
        Assert.Equal("ann 2", (await _cache.GetOrCreateManyAsync([_anns, _bobs, _anns], this, static (test, missing, token) => test.Load(missing, token)))[_anns]);
        Assert.Equal(2, await _cache.RemoveManyAsync([_anns, _bobs, _anns]));
        Assert.Equal(" 1", await Stored());
        // The control: by their texts they are nobody's.
        await _cache.SetManyAsync(All.Select(key => KeyValuePair.Create(key.Text, "text")));
        await _cache.InvalidateAsync(Invalidation.User("bob"));
        Assert.Equal("text,text,text", await Stored());
    }

    [Fact]
    public async Task A_remembered_failure_is_its_users_too()
    {
        await Assert.ThrowsAsync<FormatException>(async () => await _cache.GetOrCreateManyAsync<string>([_anns, _bobs], (_, _) => throw new FormatException()));
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.Equal("ann 1", (await _cache.GetOrCreateManyAsync<string>([_anns], Load))[_anns]);
        await Assert.ThrowsAsync<FormatException>(async () => await _cache.GetOrCreateManyAsync<string>([_bobs], Load));
    }

    [Fact]
    public async Task Another_user_is_refused_before_anything_is_done()
    {
        EntryOptions anns = new() { User = "ann" };
        var refused = await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.GetOrCreateManyAsync<string>(All, Load, anns));
        Assert.Contains("another user", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.SetManyAsync((await Load(All, default)).ToArray(), anns));
        CacheKey same = _anns with { User = "bob" };
        refused = await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.GetOrCreateManyAsync<string>([_anns, same], Load));
        Assert.Contains("two users", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await _cache.GetManyAsync<string>([_anns, default]));
        Assert.Equal(0, _cache.Statistics.Entries);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _cache.GetOrCreateManyAsync<string>([_anns], (_, _) => new((IReadOnlyDictionary<CacheKey, string>)null!)));
    }
}
