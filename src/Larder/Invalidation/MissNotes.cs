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
/// 6. What a fill claimed in Redis counts only where every miss of the note claimed the same: to which one a set belongs is not
///    known, and one that knew less must not use what another one saw later.
/// 7. A note has one size, however long its key is: it is found by a hash for which nobody can prepare keys that collide.
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

    private record struct Note(long Position, int Outstanding, bool Overtaken)
    {
        public SlotClaim? Claim;
        public bool IsDisputed;
    }

    /// <summary>A miss is about to be told: what its caller sets for the key was made from now on.</summary>
    public void Add(string key)
    {
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            Turn_NeedsGate();
            _any = true;
            ref Note note = ref CollectionsMarshal.GetValueRefOrAddDefault(_newer, hash, out bool isKnown);
            // Beside an older note a set of that one's miss may come to be taken for one of this.
            if (!isKnown) (note.Position, note.IsDisputed) = (ordinals.Last, _older.ContainsKey(hash));
            note.Outstanding++;
        }
    }

    /// <summary>What a miss that was noted has claimed in Redis; null where it could claim nothing. Before it is told.</summary>
    public void Claimed(string key, SlotClaim? claim)
    {
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            // A note that has grown old meanwhile has no claim; then that of another miss disputes this one or is the same.
            ref Note note = ref CollectionsMarshal.GetValueRefOrNullRef(_newer, hash);
            if (Unsafe.IsNullRef(ref note)) note = ref CollectionsMarshal.GetValueRefOrNullRef(_older, hash);
            if (Unsafe.IsNullRef(ref note)) return;
            if (claim is null || note.Claim is { } known && !known.IsOfTheSame(claim)) note.IsDisputed = true;
            else if (note.Claim is null || claim.Stamp.Ordinal < note.Claim.Stamp.Ordinal) note.Claim = claim;
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
    /// <param name="claim">What may go into Redis by, if anything may.</param>
    public (bool IsFill, bool IsOvertaken) Judge(string key, out long stamp, out SlotClaim? claim)
    {
        (stamp, claim) = (0, null);
        if (!_any) return default;
        stamp = index.Settled;
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            Turn_NeedsGate();
            ref Note note = ref Oldest_NeedsGate(hash);
            if (Unsafe.IsNullRef(ref note)) return default;
            if (!note.IsDisputed) claim = note.Claim;
            return (true, note.Overtaken || index.Covers(key, [], null, note.Position));
        }
    }

    /// <summary>The set has been stored or refused: its miss is no longer outstanding.</summary>
    public void End(string key)
    {
        UInt128 hash = Hash(key);
        lock (_gate)
        {
            // The younger one first: the older one counts until as many sets have come as there were misses in both.
            if (!TryEnd_NeedsGate(_newer, hash)) TryEnd_NeedsGate(_older, hash);
        }
    }

    private static bool TryEnd_NeedsGate(Dictionary<UInt128, Note> notes, UInt128 hash)
    {
        ref Note note = ref CollectionsMarshal.GetValueRefOrNullRef(notes, hash);
        if (Unsafe.IsNullRef(ref note)) return false;
        if (--note.Outstanding == 0) notes.Remove(hash);
        return true;
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
