using System.Collections.Concurrent;

namespace Larder;

/// <summary>An event of this node that the log does not have for sure, or of groups that this node has not read there.</summary>
internal sealed class PendingEvent(Invalidation what, RemoteSource source)
{
    public Invalidation What => what;

    public RemoteSource Source => source;

    /// <summary>Its place in the log once that is known; belongs to the gate of <see cref="PendingEvents"/>.</summary>
    public Position? Place { get; set; }

    /// <summary>Whether its caller has been answered and it waits to be sent again; belongs to that gate, too.</summary>
    public bool Waits { get; set; }

    /// <summary>Whether its caller has been answered before the log had it; belongs to that gate, too.</summary>
    public bool IsLate { get; set; }

    /// <summary>Whether its caller waits until strict nodes have seen it; set before it is sent.</summary>
    public bool IsAwaited { get; set; }
}

/// <summary>
/// This node's own events from before they take effect here until the log has them and, where they are of groups, this node
/// judges by them: what they cover is not taken from Redis.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Whatever changes holds <see cref="_gate"/>; readers take no lock, and while nothing is pending they allocate nothing.
/// 2. An event of groups leaves only after the remote index has it: a reader who asks here first and there then finds it.
/// 3. At most <c>most</c> wait. When there is one more, the older half gives way to a hard event on everything.
/// </remarks>
internal class PendingEvents(ulong node, int most = 100_000)
{
    /// <summary>Of more than this readers are not shown each: everything counts as covered.</summary>
    private const int MostShown = 256;

    private static readonly Invalidation[] Everything = [Invalidation.All];

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, PendingEvent> _events = [];
    private readonly ConcurrentDictionary<string, int> _keys = new(KeyComparer.Instance);
    private int _groupCount;
    private volatile Invalidation[] _groups = [];
    private volatile bool _anyKeys;
    private long _numbers;
    private int _late;

    public ulong Node => node;

    public int Count
    {
        get
        {
            lock (_gate) return _events.Count;
        }
    }

    /// <summary>How many of them the log does not have for sure.</summary>
    public int Unsent
    {
        get
        {
            lock (_gate) return _events.Values.Count(e => e.Place is null);
        }
    }

    /// <summary>Whether the caller of an event was answered that the log does not have for sure even now.</summary>
    public bool AnyLate => Volatile.Read(ref _late) > 0;

    /// <summary>Before the event takes effect on this node.</summary>
    public PendingEvent Add(Invalidation what)
    {
        lock (_gate)
        {
            if (_events.Count >= most) ReplaceTheOldest_NeedsGate();
            return Add_NeedsGate(what, ++_numbers);
        }
    }

    /// <summary>The log has it.</summary>
    public void Appended(PendingEvent pending, RemoteStream stream, Position place)
    {
        lock (_gate)
        {
            pending.Place = place;
            NoLonger_NeedsGate(pending);
            if (stream == RemoteStream.Keys) Remove_NeedsGate(pending.Source.Number);
        }
    }

    /// <summary>This node has read one of its own events in the log, and judges by it: whatever its sender was told.</summary>
    public void Seen(long number)
    {
        lock (_gate) Remove_NeedsGate(number);
    }

    /// <summary>This node begins to judge by another remote index. What stands in the log up to there, or in another epoch, it will not read any more.</summary>
    public void Begun(Position upTo)
    {
        lock (_gate)
            foreach (PendingEvent pending in _events.Values.Where(e => e.Place is { } place && (place.Epoch != upTo.Epoch || place.Ordinal <= upTo.Ordinal)).ToArray())
                Remove_NeedsGate(pending.Source.Number);
    }

    /// <summary>Nobody waits for it any more; it is to be sent when Redis is there.</summary>
    public void Postpone(PendingEvent pending)
    {
        lock (_gate)
        {
            pending.Waits = true;
            Late_NeedsGate(pending);
        }
    }

    /// <summary>Takes up to so many of those that wait, groups first: they never wait for slots.</summary>
    public List<PendingEvent> TakeWaiting(int upTo)
    {
        lock (_gate)
        {
            List<PendingEvent> taken = [.. Waiting(InvalidationKind.All).Take(upTo)];
            taken.AddRange(Waiting(InvalidationKind.Key).Take(upTo - taken.Count));
            foreach (PendingEvent pending in taken) pending.Waits = false;
            return taken;
        }

        IEnumerable<PendingEvent> Waiting(InvalidationKind kind) =>
            _events.Values.Where(e => e.Waits && e.Place is null && (e.What.Kind == InvalidationKind.Key) == (kind == InvalidationKind.Key));
    }

    /// <summary>The events of groups that are pending now; an array that never changes.</summary>
    public virtual Invalidation[] Note() => _groups;

    /// <summary>Whether a pending event covers the key, as far as its text alone tells.</summary>
    public virtual bool CoversKey(string key) =>
        _anyKeys && _keys.ContainsKey(key) || _groups is { Length: > 0 } groups && Array.Exists(groups, e => e.Kind == InvalidationKind.All);

    /// <summary>Whether one of the noted events covers an entry.</summary>
    public static bool Covers(Invalidation[] noted, ReadOnlySpan<char> name, string[] tags, string? user)
    {
        foreach (Invalidation e in noted)
        {
            bool covers = e.Kind switch
            {
                InvalidationKind.All => true,
                InvalidationKind.User => e.Subject == user,
                InvalidationKind.Tag or InvalidationKind.AnyTag => CarriesAny(tags, e.Tags),
                _ => e.Matches(name, tags),
            };
            if (covers) return true;
        }
        return false;
    }

    private static bool CarriesAny(string[] tags, IReadOnlyList<string> wanted)
    {
        foreach (string tag in wanted)
            if (TagRules.Carries(tags, tag)) return true;
        return false;
    }

    private PendingEvent Add_NeedsGate(Invalidation what, long number)
    {
        var pending = new PendingEvent(what, new(node, number));
        _events.Add(number, pending);
        if (what.Kind == InvalidationKind.Key)
        {
            _keys[what.Subject] = _keys.GetValueOrDefault(what.Subject) + 1;
            _anyKeys = true;
        }
        else
        {
            _groupCount++;
            Show_NeedsGate(_groups.Length < MostShown && !ReferenceEquals(_groups, Everything) ? [.. _groups, what] : Everything);
        }
        return pending;
    }

    private void Remove_NeedsGate(long number)
    {
        if (!_events.Remove(number, out PendingEvent? pending)) return;
        NoLonger_NeedsGate(pending);
        if (pending.What.Kind == InvalidationKind.Key)
        {
            string key = pending.What.Subject;
            if (_keys[key] > 1) _keys[key]--;
            else _keys.TryRemove(key, out _);
            if (_keys.IsEmpty) _anyKeys = false;
        }
        else if (--_groupCount == 0 || !ReferenceEquals(_groups, Everything))
        {
            Show_NeedsGate([.. _events.Values.Where(e => e.What.Kind != InvalidationKind.Key).Select(e => e.What)]);
        }
    }

    private void Late_NeedsGate(PendingEvent pending)
    {
        // One that was read in the log meanwhile is not among the events any more.
        if (pending.IsLate || pending.Place is not null || !_events.ContainsKey(pending.Source.Number)) return;
        pending.IsLate = true;
        _late++;
    }

    private void NoLonger_NeedsGate(PendingEvent pending)
    {
        if (!pending.IsLate) return;
        pending.IsLate = false;
        _late--;
    }

    private void Show_NeedsGate(Invalidation[] groups) => _groups = groups;

    private void ReplaceTheOldest_NeedsGate()
    {
        long[] oldest = [.. _events.Keys.Take(Math.Max(1, _events.Count / 2))];
        // First: what they covered stays covered.
        PendingEvent all = Add_NeedsGate(Invalidation.All, ++_numbers);
        all.Waits = true;
        Late_NeedsGate(all);
        foreach (long number in oldest) Remove_NeedsGate(number);
    }
}
