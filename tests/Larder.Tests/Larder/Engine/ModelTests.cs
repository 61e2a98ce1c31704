using System.Text.RegularExpressions;
using Larder.Tests.Support;

namespace Larder.Tests.Engine;

/// <summary>Random commands against a cache and a naive dictionary; a failure is told as the shortest failing prefix of its seed.</summary>
public sealed class ModelTests
{
    private static readonly string[] Tags = ["user", "user:1", "user:1:profile", "user:2", "list", "list:a"];
    private static readonly string[] Users = ["ann", "bob"];
    private static readonly (string Glob, string Regex)[] Patterns =
        [("k1*", "^k1"), ("*0", "0$"), ("k?", "^k.$"), ("*2*", "2"), ("nothing", "^nothing$")];

    [Fact]
    public async Task An_unlimited_cache_does_what_a_dictionary_does()
    {
        for (int seed = 0; seed < 250; seed++) await Run(seed, 200, 1000, 100L << 20, exact: true);
    }

    [Fact]
    public async Task A_small_cache_keeps_its_bounds_and_is_never_wrong()
    {
        for (int seed = 0; seed < 250; seed++) await Run(seed, 200, 1 + seed % 9, 600 + seed * 20, exact: false);
    }

    private static async Task Run(int seed, int commands, int maxEntries, long maxBytes, bool exact)
    {
        string? failure = await Play(seed, commands, maxEntries, maxBytes, exact);
        if (failure is null) return;
        // Commands depend on the seed alone, so a shorter run is a prefix of the longer one.
        for (int length = 1; length <= commands; length++)
            if (await Play(seed, length, maxEntries, maxBytes, exact) is { } shortest)
                Assert.Fail($"seed {seed}, {length} commands: {shortest}");
        Assert.Fail(failure);
    }

    private sealed record Known(string Value, string[] Tags, string? User, long Expires);

    private static async Task<string?> Play(int seed, int commands, int maxEntries, long maxBytes, bool exact)
    {
        var random = new Random(seed);
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = maxEntries, MaxBytes = maxBytes, DefaultTtl = TimeSpan.FromSeconds(30) }, time);
        var model = new Dictionary<string, Known>();
        var trace = new Queue<string>();
        for (int step = 0; step < commands; step++)
        {
            long now = (long)time.GetElapsedTime(0).TotalMilliseconds;
            foreach (string gone in model.Where(m => now >= m.Value.Expires).Select(m => m.Key).ToArray()) model.Remove(gone);
            string key = "k" + random.Next(25);
            string value = $"v{seed}.{step}";
            string[] tags = [.. Tags.Where(_ => random.Next(5) == 0)];
            string? user = random.Next(4) == 0 ? Users[random.Next(2)] : null;
            TimeSpan? ttl = random.Next(3) switch { 0 => null, 1 => TimeSpan.FromMilliseconds(random.Next(1, 5000)), _ => TimeSpan.MaxValue };
            var options = new EntryOptions { Tags = tags, User = user, Ttl = ttl };
            var made = new Known(value, tags, user, ttl == TimeSpan.MaxValue ? long.MaxValue : now + (long)(ttl ?? TimeSpan.FromSeconds(30)).TotalMilliseconds);
            int command = random.Next(14), pick = random.Next(100), by = random.Next(1, 4000);
            trace.Enqueue($"{command} {key} {pick}");
            if (trace.Count > 12) trace.Dequeue();
            string? wrong = null;
            switch (command)
            {
                case 0 or 1 or 2:
                    LookupResult<string> found = await cache.GetAsync<string>(key);
                    bool known = model.TryGetValue(key, out Known? expected);
                    if (found.Found ? !known || found.Value != expected!.Value : known && exact) wrong = $"get gave {found.Value ?? "nothing"}";
                    if (found.Found && expected is not null && expected.Expires != long.MaxValue && found.Remaining.TotalMilliseconds != expected.Expires - now) wrong = "remaining";
                    break;
                case 3 or 4:
                    if (await cache.SetAsync(key, value, options) == Reason.None) model[key] = made;
                    else if (exact) wrong = "set refused";
                    else model.Remove(key);
                    break;
                case 5 or 6:
                    string got = await cache.GetOrCreateAsync(key, value, static (v, _) => new ValueTask<string>(v), options);
                    if (got == value) { if (exact && model.ContainsKey(key)) wrong = "made although stored"; model[key] = made; }
                    else if (!model.TryGetValue(key, out Known? old) || old.Value != got) wrong = $"get-or-create gave {got}";
                    break;
                case 7:
                    bool was = await cache.RemoveAsync(key);
                    if (was && !model.ContainsKey(key) || !was && exact && model.ContainsKey(key)) wrong = $"remove said {was}";
                    model.Remove(key);
                    break;
                case 8:
                    string tag = Tags[pick % Tags.Length];
                    wrong = await Invalidate(Invalidation.Tag(tag), m => m.Tags.Any(t => t == tag || t.StartsWith(tag + ":", StringComparison.Ordinal)));
                    break;
                case 9:
                    (string glob, string regex) = Patterns[pick % Patterns.Length];
                    Invalidation what = pick < 50 ? Invalidation.Glob(glob) : Invalidation.Regex(regex);
                    wrong = await Invalidate(what, null, k => Regex.IsMatch(k, regex));
                    break;
                case 10:
                    wrong = await Invalidate(Invalidation.User(Users[pick % 2]), m => m.User == Users[pick % 2]);
                    break;
                case 11 when pick < 20:
                    wrong = await Invalidate(Invalidation.All, _ => true);
                    break;
                case 12:
                    if (cache.Exists(key) != model.ContainsKey(key) && (exact || !model.ContainsKey(key))) wrong = "exists";
                    break;
                case 13:
                    time.Advance(TimeSpan.FromMilliseconds(by));
                    int before = cache.Statistics.Entries, expired = cache.Statistics.ExpiredEntries;
                    if (cache.RemoveExpired() != expired || cache.Statistics.Entries != before - expired) wrong = "remove expired";
                    break;
            }
            CacheStatistics figures = cache.Statistics;
            if (figures.Entries > maxEntries || figures.Bytes > maxBytes) wrong ??= "bound";
            if (wrong is not null) return $"{wrong}; last commands: {string.Join(", ", trace)}";

            async Task<string?> Invalidate(Invalidation what, Func<Known, bool>? covered, Func<string, bool>? key = null)
            {
                string[] hit = [.. model.Where(m => covered?.Invoke(m.Value) ?? key!(m.Key)).Select(m => m.Key)];
                bool count = random.Next(2) == 0;
                InvalidationResult result = await cache.InvalidateAsync(what, count: count);
                foreach (string k in hit) model.Remove(k);
                return count && (exact ? result.Removed != hit.Length : result.Removed > hit.Length) ? $"{what} removed {result.Removed}, not {hit.Length}" : null;
            }
        }
        StoreIntegrity.Check(cache);
        return null;
    }
}
