namespace Larder;

/// <summary>Where an entry stands on its timeline.</summary>
internal enum Standing : byte
{
    /// <summary>Of no use any more: its time is over, or an invalidation covers it.</summary>
    Gone,
    /// <summary>A hit.</summary>
    Fresh,
    /// <summary>Handed out at once while it is refreshed.</summary>
    Stale,
    /// <summary>Handed out where a fill fails.</summary>
    LastResort,
    /// <summary>A remembered failure.</summary>
    Failed,
}

/// <summary>Judges what was found and is no plain hit.</summary>
/// <remarks>
/// Nothing is handed out, however stale, that an invalidation covers: each way out of here asks the index first.
/// Where calls do not read, nothing answers them or stands in.
/// </remarks>
internal sealed class Lookups(bool reads, CacheClock clock, MemoryStore memory, InvalidationIndex index, EntryFactory entries, ReasonCounters reasons, CacheEvents events)
{
    private const int MaxKeys = 10_000;

    /// <summary>Milliseconds since it was stored, which is told less exactly than <paramref name="now"/>.</summary>
    public static long Age(Entry entry, long now) => Math.Max(0, now - entry.CreatedAt);

    /// <summary>Milliseconds of freshness that are left; <see cref="long.MaxValue"/> for ever.</summary>
    public static long Remaining(Entry entry, long now) => entry.FreshUntil is var until && until == long.MaxValue ? until : Math.Max(0, until - now);

    /// <summary>What is in memory by now, whether it may be used or not.</summary>
    public Entry? Find(string key) => memory.Find(key);

    public Standing Judge(Entry entry, long now) =>
        // First: it may end the freshness.
        !index.IsCurrent(entry) ? Standing.Gone
        : entry.IsFresh(now) ? entry.Value is StoredFailure ? Standing.Failed : Standing.Fresh
        : entry is not DetailedEntry detailed || entry.IsGone(now) ? Standing.Gone
        : now < CacheClock.After(entry.FreshUntil, detailed.StaleWhileRevalidate) ? Standing.Stale
        : Standing.LastResort;

    /// <summary>Ends a lookup that makes nothing and was no plain hit: counts it, tells it, drops what is gone.</summary>
    public LookupResult<T> Answer<T>(Entry? entry, ReadOnlySpan<char> key, Reason missed, bool allowStale)
    {
        long now = clock.Now;
        Standing standing = entry is null ? Standing.Gone : Judge(entry, now);
        Reason reason = standing switch
        {
            Standing.Fresh => Reason.HitMemory,
            Standing.Stale or Standing.LastResort when allowStale => Reason.Stale,
            _ => Reason.None,
        };
        if (reason != Reason.None && Read<T>(entry!, reason, now) is { Found: true } found)
        {
            memory.Touch(entry!);
            return Counted(found, entry!.Key);
        }
        if (entry is not null) missed = WhyMissed(entry, standing, missed, now);
        reasons.Count(missed);
        if (events.AnyListeners) events.Raise(CacheEventKind.Miss, key.ToString(), missed);
        if (standing == Standing.Gone && entry is not null) Drop(entry, missed);
        return new(missed);
    }

    /// <summary>What a call with a factory can be answered with at once, although it was no plain hit.</summary>
    /// <param name="refresh">Whether a refresh is due.</param>
    /// <param name="missed">Why the call was no plain hit; why it is none at all when nothing can answer it.</param>
    public bool TryAnswer<T>(Entry entry, ref Reason missed, out LookupResult<T> answer, out bool refresh)
    {
        long now = clock.Now;
        (Reason reason, refresh) = (Reason.None, false);
        bool mayRetry = MayRetry(entry, now);
        Standing standing = Judge(entry, now);
        switch (standing)
        {
            case Standing.Failed:
                reasons.Count(Reason.ErrorRemembered);
                ((StoredFailure)entry.Value).Failure.Throw();
                break;
            case Standing.Fresh:
                (reason, refresh) = (Reason.HitMemory, mayRetry && entry.IsDue(now));
                break;
            case Standing.Stale:
                (reason, refresh) = (Reason.Stale, mayRetry);
                break;
            case Standing.LastResort when !mayRetry:
                reason = Reason.StaleError;
                break;
        }
        answer = reason == Reason.None ? default : Read<T>(entry, reason, now);
        if (answer.Found)
        {
            memory.Touch(entry);
            Counted(answer, entry.Key);
            return true;
        }
        missed = reason != Reason.None ? answer.Reason : WhyMissed(entry, standing, missed, now);
        if (standing == Standing.Gone) Drop(entry, missed);
        return false;
    }

    /// <summary>
    /// Whether <see cref="TryAnswer"/> would answer, or throw a remembered failure: asked when a flight starts, for another
    /// one may have landed between the caller's look into memory and then.
    /// </summary>
    public bool CanAnswer<T>(Entry entry)
    {
        if (!reads) return false;
        long now = clock.Now;
        return Judge(entry, now) switch
        {
            Standing.Failed => true,
            Standing.Fresh or Standing.Stale => entries.TryRead<T>(entry, out _),
            Standing.LastResort => !MayRetry(entry, now) && entries.TryRead<T>(entry, out _),
            _ => false,
        };
    }

    /// <summary>Whether a refresh in the background still has something to do.</summary>
    public bool NeedsRefresh(Entry entry)
    {
        long now = clock.Now;
        return Judge(entry, now) switch
        {
            Standing.Failed => false,
            Standing.Fresh => entry.IsDue(now) && MayRetry(entry, now),
            _ => MayRetry(entry, now),
        };
    }

    /// <summary>What stands in for a fill that failed or is too slow; not found where nothing may.</summary>
    /// <param name="asStale">The reason, unless what is there by now is fresh.</param>
    public LookupResult<T> StandIn<T>(string key, Reason asStale)
    {
        if (!reads || memory.Find(key) is not { } entry) return default;
        long now = clock.Now;
        Reason reason = Judge(entry, now) switch
        {
            Standing.Fresh => Reason.HitMemory,
            Standing.Stale or Standing.LastResort => asStale,
            _ => Reason.None,
        };
        if (reason == Reason.None) return default;
        LookupResult<T> found = Read<T>(entry, reason, now);
        return found.Found ? Counted(found, key) : default;
    }

    /// <summary>The value of an entry and its times, without counting the look; not found where it is of another type.</summary>
    public LookupResult<T> Read<T>(Entry entry, Reason reason, long now) =>
        entries.TryRead(entry, out T value)
            ? new(value, reason, Age(entry, now), Remaining(entry, now))
            : new(Reason.MissIncompatible);

    /// <summary>What a factory is shown of what is stored.</summary>
    public LookupResult<T> Stored<T>(Entry? entry)
    {
        long now = clock.Now;
        return entry is null || !reads ? new(Reason.MissCold) : Judge(entry, now) switch
        {
            Standing.Fresh => Read<T>(entry, Reason.HitMemory, now),
            Standing.Stale or Standing.LastResort => Read<T>(entry, Reason.Stale, now),
            _ => new(Reason.MissExpired),
        };
    }

    /// <summary>The time that a fresh value has left, without counting the look.</summary>
    public TimeSpan? TimeToLive(string key)
    {
        long now = clock.Now;
        if (memory.Find(key) is not { } entry || Judge(entry, now) != Standing.Fresh) return null;
        return Remaining(entry, now) is var left && left == long.MaxValue ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(left);
    }

    /// <summary>The keys of fresh values after <paramref name="after"/>, in ordinal order: a page holds the smallest of them.</summary>
    public IReadOnlyList<string> Keys(int limit, string? after, string? glob, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > MaxKeys) throw new ArgumentOutOfRangeException(nameof(limit), limit, $"allowed is 1 to {MaxKeys}");
        PatternMatcher? matcher = glob is null ? null : PatternMatcher.Glob(glob);
        long now = clock.Now;
        // The largest of the smallest is on top, so that it is the one to make room.
        var page = new PriorityQueue<string, string>(Comparer<string>.Create(static (a, b) => string.CompareOrdinal(b, a)));
        foreach (Entry entry in memory.Entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (after is not null && string.CompareOrdinal(entry.Key, after) <= 0) continue;
            if (page.Count == limit && string.CompareOrdinal(entry.Key, page.Peek()) > 0) continue;
            if (matcher?.IsMatch(entry.PatternSubject) == false || Judge(entry, now) != Standing.Fresh) continue;
            if (page.Count == limit) page.DequeueEnqueue(entry.Key, entry.Key);
            else page.Enqueue(entry.Key, entry.Key);
        }
        string[] keys = new string[page.Count];
        for (int i = keys.Length; i-- > 0;) keys[i] = page.Dequeue();
        return keys;
    }

    private static bool MayRetry(Entry entry, long now) => entry is not DetailedEntry { RetryAt: var retryAt } || now >= retryAt;

    private LookupResult<T> Counted<T>(LookupResult<T> found, string key)
    {
        reasons.Count(found.Reason);
        if (events.AnyListeners) events.Raise(CacheEventKind.Hit, key, found.Reason);
        return found;
    }

    private Reason WhyMissed(Entry entry, Standing standing, Reason missed, long now) => standing switch
    {
        // Nobody stored anything.
        Standing.Failed => Reason.MissCold,
        // Time alone would have left it a window.
        Standing.Gone when !entry.IsGone(now) => index.WhyEnded,
        _ => missed,
    };

    private void Drop(Entry entry, Reason missed)
    {
        // It may yet be proven.
        if (missed != Reason.MissUnproven) memory.Drop(entry, missed == Reason.MissExpired ? RemovalCause.Expired : RemovalCause.Invalidated);
    }
}
