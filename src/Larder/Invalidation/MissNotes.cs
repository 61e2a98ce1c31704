using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

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
///    known, and to take it for a younger one's would let an old value through. A miss after which no set comes counts as
///    a fill that may still come, for as long as it is remembered.
/// 5. There are two generations of notes. A miss is remembered for one to two times <see cref="Life"/>, unless
///    <see cref="MostNotes"/> keys are missed in that time; a set that comes later counts as a write of its own.
/// 6. A note has one size, however long its key is: it is found by a hash for which nobody can prepare keys that collide.
/// </remarks>
internal sealed class MissNotes(Ordinals ordinals, InvalidationIndex index, CacheClock clock)
{
    /// <summary>Keys in one generation.</summary>
    public const int MostNotes = 10_000;

    /// <summary>Milliseconds for which a generation takes notes.</summary>
    public const long Life = 30_000;

    private readonly Lock _gate = new();
    private Dictionary<UInt128, Note> _older = [];
    private Dictionary<UInt128, Note> _newer = [];
    private long _turned;
    private volatile bool _any;

    private record struct Note(long Position, int Outstanding, bool Overtaken);

    /// <summary>A miss is about to be told: what its caller sets for the key was made from now on.</summary>
    public void Add(string key)
    {
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            Turn_NeedsGate();
            _any = true;
            ref Note note = ref CollectionsMarshal.GetValueRefOrAddDefault(_newer, hash, out bool isKnown);
            if (!isKnown) note.Position = ordinals.Last;
            note.Outstanding++;
        }
    }

    /// <summary>An event of the key is about to be given its ordinal.</summary>
    public void Overtake(string key)
    {
        if (!_any) return;
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            Overtake_NeedsGate(_older, hash);
            Overtake_NeedsGate(_newer, hash);
        }
    }

    /// <summary>Whether a set of the key ends a fill, and whether something that covers the key came in between.</summary>
    /// <param name="key">The key.</param>
    /// <param name="stamp">What to store it with where nothing did.</param>
    public (bool IsFill, bool IsOvertaken) Judge(string key, out long stamp)
    {
        stamp = 0;
        if (!_any) return default;
        stamp = index.Settled;
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            Turn_NeedsGate();
            ref Note note = ref Oldest_NeedsGate(hash);
            return Unsafe.IsNullRef(ref note) ? default : (true, note.Overtaken || index.Covers(key, [], null, note.Position));
        }
    }

    /// <summary>The set has been stored or refused: its miss is no longer outstanding.</summary>
    public void End(string key)
    {
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            ref Note note = ref Oldest_NeedsGate(hash);
            if (!Unsafe.IsNullRef(ref note) && --note.Outstanding == 0 && !_older.Remove(hash)) _newer.Remove(hash);
        }
    }

    private ref Note Oldest_NeedsGate(UInt128 hash)
    {
        ref Note note = ref CollectionsMarshal.GetValueRefOrNullRef(_older, hash);
        if (Unsafe.IsNullRef(ref note)) note = ref CollectionsMarshal.GetValueRefOrNullRef(_newer, hash);
        return ref note;
    }

    private static void Overtake_NeedsGate(Dictionary<UInt128, Note> notes, UInt128 hash)
    {
        ref Note note = ref CollectionsMarshal.GetValueRefOrNullRef(notes, hash);
        if (!Unsafe.IsNullRef(ref note)) note.Overtaken = true;
    }

    private void Turn_NeedsGate()
    {
        long age = clock.Now - _turned;
        if (age < Life && _newer.Count < MostNotes) return;
        // After a long pause both are out of date.
        _older = age < 2 * Life ? _newer : [];
        _newer = [];
        _turned = clock.Now;
        _any = _older.Count > 0;
    }

    private static UInt128 Hash(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan()), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }
}
