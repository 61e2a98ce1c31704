namespace Larder;

/// <summary>
/// Where fills begin that nobody sees begin: a face that is only told of a get and, later, of a set notes the misses
/// here, and a set is judged by what happened to its key since.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Whatever touches the notes holds <see cref="_gate"/>; <see cref="_any"/> is false only while there are none.
/// 2. A key event is told to <see cref="Overtake"/> before it gets its ordinal. So if <see cref="Judge"/> does not find a note
///    overtaken, every event of the key is newer than the stamp it took before, and the store refuses by it.
/// 3. The stamp is taken while no group event is being published: those up to it are in the index's tables.
/// 4. Of several misses of a key the oldest counts, until as many sets have come: which of them a set belongs to is not
///    known, and to take it for a younger one's would let an old value through.
/// 5. There are two generations of notes. A miss is remembered for one to two times <see cref="Life"/>, unless
///    <see cref="MostNotes"/> keys are missed in that time; a set that comes later counts as a write of its own.
/// </remarks>
internal sealed class MissNotes(Ordinals ordinals, InvalidationIndex index, CacheClock clock)
{
    /// <summary>Keys in one generation.</summary>
    public const int MostNotes = 10_000;

    /// <summary>Milliseconds for which a generation takes notes.</summary>
    public const long Life = 30_000;

    private readonly Lock _gate = new();
    private Dictionary<string, Note> _older = new(KeyComparer.Instance);
    private Dictionary<string, Note> _newer = new(KeyComparer.Instance);
    private long _turned;
    private volatile bool _any;

    private sealed class Note(long position)
    {
        public long Position => position;
        public int Outstanding = 1;
        public bool Overtaken;
    }

    /// <summary>A miss is about to be told: what its caller sets for the key was made from now on.</summary>
    public void Add(string key)
    {
        lock (_gate)
        {
            Turn_NeedsGate();
            _any = true;
            if (_newer.TryGetValue(key, out Note? note)) note.Outstanding++;
            else _newer[key] = new(ordinals.Last);
        }
    }

    /// <summary>An event of the key is about to be given its ordinal.</summary>
    public void Overtake(string key)
    {
        if (!_any) return;
        lock (_gate)
        {
            if (_older.TryGetValue(key, out Note? note)) note.Overtaken = true;
            if (_newer.TryGetValue(key, out note)) note.Overtaken = true;
        }
    }

    /// <summary>Whether a set of the key ends a fill, and whether something that covers the key came in between.</summary>
    /// <param name="stamp">What to store it with where nothing did.</param>
    public (bool IsFill, bool IsOvertaken) Judge(string key, out long stamp)
    {
        stamp = 0;
        if (!_any) return default;
        stamp = index.Settled;
        lock (_gate)
        {
            Turn_NeedsGate();
            return Oldest_NeedsGate(key) is { } note ? (true, note.Overtaken || index.Covers(key, [], null, note.Position)) : default;
        }
    }

    /// <summary>The set has been stored or refused: its miss is no longer outstanding.</summary>
    public void End(string key)
    {
        lock (_gate)
        {
            if (Oldest_NeedsGate(key) is { } note && --note.Outstanding == 0 && !_older.Remove(key)) _newer.Remove(key);
        }
    }

    private Note? Oldest_NeedsGate(string key) =>
        _older.TryGetValue(key, out Note? note) || _newer.TryGetValue(key, out note) ? note : null;

    private void Turn_NeedsGate()
    {
        long age = clock.Now - _turned;
        if (age < Life && _newer.Count < MostNotes) return;
        // After a long pause both are out of date.
        _older = age < 2 * Life ? _newer : new(KeyComparer.Instance);
        _newer = new(KeyComparer.Instance);
        _turned = clock.Now;
        _any = _older.Count > 0;
    }
}
