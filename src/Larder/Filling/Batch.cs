namespace Larder;

/// <summary>What the calls for many keys share, whether the keys are strings or of the type <see cref="CacheKey"/>.</summary>
internal static class Batch
{
    private const int MaxKeys = 10_000;

    public static Dictionary<string, string> Distinct(IEnumerable<string> keys) => Distinct(keys, static key => key);

    /// <summary>The keys by their texts, each once.</summary>
    private static Dictionary<string, TKey> Distinct<TKey>(IEnumerable<TKey> keys, Func<TKey, string> textOf)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var distinct = new Dictionary<string, TKey>(KeyComparer.Instance);
        foreach (TKey key in keys)
        {
            string text = textOf(key);
            ArgumentException.ThrowIfNullOrEmpty(text, nameof(keys));
            if (!distinct.TryAdd(text, key))
            {
                if (!EqualityComparer<TKey>.Default.Equals(distinct[text], key)) throw new ArgumentException("Two keys of the batch have one text and two users; let each user have keys of its own.", nameof(keys));
            }
            else if (distinct.Count > MaxKeys)
            {
                throw new ArgumentException($"A batch may have {MaxKeys} keys; split what has more.", nameof(keys));
            }
        }
        return distinct;
    }

    public static async ValueTask<IReadOnlyDictionary<string, T>> FillAsync<TState, T>(
        LarderCache cache, IReadOnlyCollection<string> keys, BatchFactory<TState, T> factory, BatchRules rules, CancellationToken cancellationToken)
    {
        ILookup<bool, string> byLength = keys.ToLookup(key => key.Length <= cache.Options.MaxKeyLength);
        Dictionary<string, T> values = await cache.PartialFills[EntryAccess.Whole].Batches.GetOrCreateAsync([.. byLength[true]], factory, rules, cancellationToken).ConfigureAwait(false);
        if (!byLength.Contains(false)) return values;
        BatchFiller alone = cache.PartialFills[EntryAccess.None].Batches;
        Dictionary<string, T> made = await alone.GetOrCreateAsync([.. byLength[false]], factory, rules, cancellationToken, Reason.BypassLimit).ConfigureAwait(false);
        foreach ((string key, T value) in made) values[key] = value;
        return values;
    }

    /// <summary>The values that memory has, and of the others those that Redis has.</summary>
    public static async ValueTask<IReadOnlyDictionary<string, T>> FindAsync<T>(LarderCache cache, RemoteCalls remote, IReadOnlyCollection<string> keys, Dictionary<string, T> found)
    {
        var missing = new List<(string, Entry?, Reason)>();
        foreach (string key in keys)
        {
            if (cache.TryHit(key, mayBeDue: true, out T value, out Entry? seen, out Reason missed)) found[key] = value;
            else missing.Add((key, seen, missed));
        }
        if (missing.Count > 0) await remote.AddFoundAsync(missing, found).ConfigureAwait(false);
        return found;
    }

    /// <returns>The keys that were not stored by their last call, and why.</returns>
    public static async ValueTask<IReadOnlyDictionary<TKey, Reason>> SetAsync<TKey, T>(IReadOnlyList<KeyValuePair<TKey, T>> values, Func<TKey, T, ValueTask<Reason>> set)
        where TKey : notnull
    {
        var unstored = new Dictionary<TKey, Reason>();
        foreach ((TKey key, T value) in values)
        {
            Reason reason = await set(key, value).ConfigureAwait(false);
            if (reason != Reason.None) unstored[key] = reason;
            else unstored.Remove(key);
        }
        return unstored;
    }

    public static Dictionary<string, CacheKey> Distinct(IEnumerable<CacheKey> keys) => Distinct(keys, static key => key.Text);

    /// <summary>Those of a user are made once, however many keys are the user's.</summary>
    public static BatchRules RulesOf(LarderCache cache, Dictionary<string, CacheKey> keys, EntryOptions? options)
    {
        var ofUsers = new Dictionary<string, EntryRules>();
        var own = new Dictionary<string, EntryRules>(KeyComparer.Instance);
        foreach ((string text, CacheKey key) in keys)
        {
            if (key.User is null) continue;
            if (!ofUsers.TryGetValue(key.User, out EntryRules rules)) ofUsers[key.User] = rules = cache.RulesOf(CacheKeyExtensions.For(key, options));
            own[text] = rules;
        }
        return new(cache.RulesOf(options), own);
    }

    public static Dictionary<CacheKey, T> ByKey<T>(IReadOnlyDictionary<string, T> values, Dictionary<string, CacheKey> keys) =>
        values.ToDictionary(pair => keys[pair.Key], pair => pair.Value);

    public static Dictionary<string, T> ByText<T>(IReadOnlyDictionary<CacheKey, T> made, IReadOnlyList<string> texts, Dictionary<string, CacheKey> keys)
    {
        var values = new Dictionary<string, T>(KeyComparer.Instance);
        foreach (string text in texts)
            if (made.TryGetValue(keys[text], out T? value)) values[text] = value;
        return values;
    }
}
