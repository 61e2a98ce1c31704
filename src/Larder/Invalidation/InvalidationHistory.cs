using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>One invalidation of the past.</summary>
/// <param name="At">When it was asked for, by the wall clock.</param>
/// <param name="Kind">What it was aimed at.</param>
/// <param name="Subject">The key, tags, prefix, pattern or user; at most 256 characters, cut with <c>…</c>.</param>
/// <param name="IsSoft">Whether it made stale instead of removing.</param>
/// <param name="Reason">Why, as the caller told.</param>
/// <param name="Position">Its place in the log.</param>
/// <param name="Status">Whether it had its place in the log when its call ended.</param>
/// <param name="Removed">How many entries of this node's memory it ended; null when nobody asked.</param>
public readonly record struct InvalidationRecord(
    DateTimeOffset At, InvalidationKind Kind, string Subject, bool IsSoft, string? Reason, Position Position, InvalidationStatus Status, int? Removed);

/// <summary>Sums over all invalidations since the cache was made, not only over those that are still listed.</summary>
/// <param name="Events">How many there were.</param>
/// <param name="Soft">How many of them were soft.</param>
/// <param name="Counted">How many of them counted what they ended.</param>
/// <param name="Removed">How many entries those ended together.</param>
/// <param name="ByKind">Events of each kind that occurred.</param>
public sealed record InvalidationTotals(long Events, long Soft, long Counted, long Removed, IReadOnlyDictionary<InvalidationKind, long> ByKind)
{
    /// <summary>Entries that an invalidation ended on average, of those that counted; null when none did.</summary>
    public double? MeanRemoved => Counted == 0 ? null : (double)Removed / Counted;
}

/// <summary>
/// When what was invalidated and why: the last events in a ring of fixed size, and sums over all of them. Holds calls of
/// <see cref="LarderCache.InvalidateAsync"/>; <c>SetAsync</c> and <c>RemoveAsync</c> are operations on a key and not in it.
/// </summary>
/// <remarks>Everything is guarded by one lock, taken once per invalidation. Switched off, nothing is taken or kept.</remarks>
public sealed class InvalidationHistory
{
    /// <summary>Longest reason, in characters.</summary>
    public const int MaxReasonLength = 256;
    private const int MaxSubjectLength = 256;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly HourCounter _lastHour;
    private readonly InvalidationThresholds _perHour;
    private readonly ILogger _logger;
    private readonly List<InvalidationRecord> _ring = [];
    private readonly long[] _byKind = new long[Enum.GetValues<InvalidationKind>().Length];
    /// <summary>Where the oldest is, once the ring is full.</summary>
    private int _oldest;
    private long _soft;
    private long _counted;
    private long _removed;
    private InvalidationRateLevel _told;
    private long _toldAt;

    internal InvalidationHistory(int capacity, InvalidationThresholds perHour, TimeProvider time, ILogger logger) =>
        (Capacity, _perHour, _time, _lastHour, _logger) = (capacity, perHour, time, new(time), logger);

    /// <summary>How many events are kept; 0 when the history is switched off.</summary>
    public int Capacity { get; }

    /// <summary>Sums since the cache was made; all zero when the history is switched off.</summary>
    public InvalidationTotals Totals
    {
        get
        {
            lock (_gate)
            {
                var byKind = new Dictionary<InvalidationKind, long>();
                for (int kind = 0; kind < _byKind.Length; kind++)
                    if (_byKind[kind] > 0) byKind[(InvalidationKind)kind] = _byKind[kind];
                return new(_byKind.Sum(), _soft, _counted, _removed, byKind);
            }
        }
    }

    /// <summary>How often the cache was invalidated lately; a level that is reached is logged as well, each level once an hour at most. Zero when the history is switched off.</summary>
    public InvalidationRate Rate
    {
        get
        {
            lock (_gate) return Rate_NeedsGate();
        }
    }

    /// <summary>The last events, newest first.</summary>
    /// <param name="most">How many at most; not negative.</param>
    public IReadOnlyList<InvalidationRecord> Last(int most = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        lock (_gate)
        {
            var last = new InvalidationRecord[Math.Min(most, _ring.Count)];
            for (int i = 0; i < last.Length; i++) last[i] = _ring[(_oldest + _ring.Count - 1 - i) % _ring.Count];
            return last;
        }
    }

    /// <exception cref="ArgumentException">The reason is too long or holds control characters, which could forge lines of a log.</exception>
    internal static void Check(string? reason)
    {
        if (reason is null) return;
        if (reason.Length > MaxReasonLength)
            throw new ArgumentException($"A reason may have {MaxReasonLength} characters; this one has {reason.Length}.", nameof(reason));
        foreach (char c in reason)
            if (char.IsControl(c)) throw new ArgumentException("A reason must not contain control characters.", nameof(reason));
    }

    internal void Record(Invalidation what, string? reason, in InvalidationResult result)
    {
        if (Capacity == 0) return;
        string subject = what.Subject.Length <= MaxSubjectLength ? what.Subject : string.Concat(what.Subject.AsSpan(0, MaxSubjectLength - 1), "…");
        InvalidationRate? reached;
        var record = new InvalidationRecord(_time.GetUtcNow(), what.Kind, subject, what.IsSoft, reason, result.Position, result.Status, result.Removed);
        lock (_gate)
        {
            _lastHour.Increment();
            reached = Reached_NeedsGate();
            _byKind[(int)what.Kind]++;
            if (what.IsSoft) _soft++;
            if (result.Removed is { } removed)
            {
                _counted++;
                _removed += removed;
            }
            Keep_NeedsGate(record);
        }
        if (reached is { } rate) Log.InvalidatedOften(_logger, rate.LastHour, rate.Level);
    }

    private void Keep_NeedsGate(in InvalidationRecord record)
    {
        if (_ring.Count < Capacity)
        {
            _ring.Add(record);
            return;
        }
        _ring[_oldest] = record;
        _oldest = (_oldest + 1) % Capacity;
    }

    private InvalidationRate Rate_NeedsGate() => new(_lastHour.Count, _perHour.LevelOf(_lastHour.Count));

    /// <summary>The rate, where its level is higher than what was told within the last hour.</summary>
    private InvalidationRate? Reached_NeedsGate()
    {
        InvalidationRate rate = Rate_NeedsGate();
        if (_time.GetElapsedTime(_toldAt) >= TimeSpan.FromHours(1)) _told = InvalidationRateLevel.Normal;
        if (rate.Level <= _told) return null;
        (_told, _toldAt) = (rate.Level, _time.GetTimestamp());
        return rate;
    }
}
