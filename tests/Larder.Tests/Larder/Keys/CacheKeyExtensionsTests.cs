namespace Larder.Tests.Keys;

/// <summary>The user of a key is not lost, whichever call takes the key.</summary>
public sealed class CacheKeyExtensionsTests : IDisposable
{
    private readonly LarderCache _cache = new();
    private readonly CacheKey _anns;

    public CacheKeyExtensionsTests() => _anns = _cache.Keys.ForEndpoint("e", user: "ann");

    public void Dispose() => _cache.Dispose();

    public static TheoryData<string> Stores => new(Storing.Keys);

    private static readonly Dictionary<string, Func<LarderCache, CacheKey, Task>> Storing = new()
    {
        ["adaptive"] = async (cache, key) => await cache.GetOrCreateAsync<int>(key, (_, _) => new(1)),
        ["result with state"] = async (cache, key) => Assert.True((await cache.GetOrCreateResultAsync(key, 1, static (one, _) => new ValueTask<int>(one))).Found),
        ["result"] = async (cache, key) => Assert.True((await cache.GetOrCreateResultAsync(key, _ => new ValueTask<int>(1))).Found),
        ["adaptive result"] = async (cache, key) => Assert.True((await cache.GetOrCreateResultAsync<int>(key, (_, _) => new(1))).Found),
    };

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task What_is_stored_is_the_users(string way)
    {
        await Storing[way](_cache, _anns);
        Assert.Equal(1, (await _cache.GetAsync<int>(_anns, allowStale: true)).Value);
        await _cache.InvalidateAsync(Invalidation.User("bob"));
        Assert.True(_cache.Exists(_anns));
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.False(_cache.Exists(_anns));
        // The control: by its text alone the entry is nobody's.
        await _cache.SetAsync(_anns.Text, 1);
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.True(_cache.Exists(_anns));
    }

    [Fact]
    public async Task A_key_is_invalidated_and_its_written_form_is_its_text()
    {
        await _cache.SetAsync(_anns, 1);
        Assert.Equal(1, (await _cache.GetAsync<int>($"{_anns}")).Value);
        Assert.Equal(1, (await _cache.InvalidateAsync(Invalidation.Key(_anns), count: true)).Removed);
        Assert.False(_cache.Exists(_anns));
    }

    [Fact]
    public async Task A_user_that_is_too_long_is_refused_when_the_key_is_made()
    {
        CacheKey longest = _cache.Keys.ForEndpoint("e", user: new string('u', 1024));
        Assert.Equal("v", await _cache.GetOrCreateAsync(longest, _ => new ValueTask<string>("v")));
        string user = new('u', 1025);
        Assert.Contains("at most 1024", Assert.Throws<ArgumentException>(() => _cache.Keys.ForEndpoint("e", user: user)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => _cache.Keys.ForRequest("GET", "/", user: user));
        Assert.Throws<ArgumentException>(() => _cache.Keys.ForOperation("o", "t", user: user));
    }
}
