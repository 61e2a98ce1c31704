using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Larder;

/// <summary>
/// The hash table of the memory tier: chains of entries linked through themselves, read without a lock. It does less
/// than a concurrent dictionary (one writer, no values, no nodes of its own), which is why it is faster and smaller.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. One thread at a time writes: whoever holds the memory store's gate.
/// 2. An entry becomes visible by one write of a reference, complete; one that is taken out keeps its link, so that a
///    reader who stands on it goes on. An entry that was taken out is never put in again.
/// 3. The table doubles chain by chain, a few with each addition, so that no addition pays for all: the array that is twice
///    as large is <see cref="_next"/> until all chains have moved. A chain that has not moved is in <see cref="_buckets"/>.
///    Before one moves its bucket there is marked with <see cref="Moved"/>, for ever; from then on it is in the next array.
/// 4. A reader who finds nothing asks whether the table was growing. If it may have been, he looks at the bucket again: not
///    marked, the chain was whole while it was read; marked, he goes on in the next array, once the chain has arrived
///    there. So growing delays a reader for the length of one chain, and never makes one miss what is stored.
/// 5. What is prepared is twice as large as the table: only one thread at a time prepares, with nothing prepared and nothing
///    growing, and nothing begins to grow before it is done.
/// Order, for processors that reorder: <see cref="_next"/>, then <see cref="_moving"/>, then the mark, then the links, then the new
/// buckets, then <see cref="_moving"/> again; each a release, each read an acquire. Who sees a link that moving changed sees the mark.
/// Who sees the mark sees that the chain is moving, or all that moving it did. Readers may be several doublings behind:
/// all buckets of an array that was left are marked, and lengths tell which array follows which.
/// </remarks>
internal sealed class EntryTable
{
    private const int Smallest = 16;
    private const int LargestAtOnce = 1024;
    /// <summary>So many chains are moved by each addition: doubling ends long before the next is due, after an eighth as many additions.</summary>
    private const int MovedAtOnce = 8;
    private const int MostBuckets = 1 << 30;

    /// <summary>Stands in a bucket whose chain is in the next array, or on its way. No look-up matches it: its hash is not that of its key.</summary>
    private static readonly Entry Moved = new() { Key = "", Value = "", Cost = 0, CreatedAt = 0, FreshUntil = 0, Hash = ~KeyComparer.Hash("") };

    private Entry?[] _buckets;
    /// <summary>Twice as many; null while nothing moves.</summary>
    private Entry?[]? _next;
    /// <summary>The bucket whose chain is between two arrays; negative when none is.</summary>
    private int _moving = -1;
    /// <summary>How many chains have moved.</summary>
    private int _moved;
    private int _count;
    /// <summary>What the table will double into.</summary>
    private Entry?[]? _prepared;
    private int _preparing;

    /// <summary>There was no memory for a larger array: so many entries do with longer chains until that is tried again.</summary>
    private int _postponedTo;
    private readonly Func<int, Entry?[]> _make;

    /// <param name="maxEntries">So many entries it will hold at most.</param>
    /// <param name="make">Makes arrays; they are large, and there may be no memory for one.</param>
    public EntryTable(int maxEntries, Func<int, Entry?[]>? make = null)
    {
        _make = make ?? (static length => new Entry?[length]);
        _buckets = new Entry?[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxEntries, Smallest, LargestAtOnce))];
    }

    /// <summary>Looks a key up whose hash nobody knows yet.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Entry? Find(ReadOnlySpan<char> key, out int hash)
    {
        hash = KeyComparer.Hash(key);
        return Find(key, hash);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Entry? Find(ReadOnlySpan<char> key, int hash)
    {
        Entry?[] buckets = Volatile.Read(ref _buckets);
        for (Entry? entry = Volatile.Read(ref buckets[hash & (buckets.Length - 1)]); entry is not null; entry = Volatile.Read(ref entry.Next))
            if (entry.Hash == hash && IsKey(key, entry.Key)) return entry;
        // Where nothing was found the chain may have been taken apart while it was read. Looking for the next array first: if there
        // is none and this one is still in its place, doubling had not begun.
        return Volatile.Read(ref _next) is null && ReferenceEquals(buckets, Volatile.Read(ref _buckets)) ? null : LookAgain(key, hash, buckets);
    }

    /// <summary>
    /// Makes what the table is to double into, once it is full. Without the gate: such an array is large, and clearing it
    /// takes time. Until it is there the table does with longer chains.
    /// </summary>
    public void Prepare()
    {
        if (DueLength == 0 || Interlocked.Exchange(ref _preparing, 1) != 0) return;
        int length = DueLength;
        try
        {
            if (length > 0) Volatile.Write(ref _prepared, _make(length));
        }
        catch (OutOfMemoryException)
        {
            // No reason to fail a write, nor to try again with each: that has the whole heap collected every time.
            Volatile.Write(ref _postponedTo, (int)Math.Min(int.MaxValue, (long)Volatile.Read(ref _count) + length / 16));
        }
        finally
        {
            Volatile.Write(ref _preparing, 0);
        }
    }

    /// <summary>The length of the array that has to be prepared; 0 while none has.</summary>
    private int DueLength
    {
        get
        {
            // In this order: what is not prepared any more is the next array, and what is not that any more is in its place.
            if (Volatile.Read(ref _prepared) is not null || Volatile.Read(ref _next) is not null) return 0;
            int length = Volatile.Read(ref _buckets).Length;
            return Volatile.Read(ref _count) > Math.Max(length, Volatile.Read(ref _postponedTo)) && length < MostBuckets ? length * 2 : 0;
        }
    }

    /// <summary>Goes on growing, or begins to; belongs to each addition.</summary>
    public void Grow_NeedsGate()
    {
        if (_next is null)
        {
            if (_count <= _buckets.Length || Volatile.Read(ref _prepared) is not { } prepared) return;
            Debug.Assert(prepared.Length == _buckets.Length * 2);
            _moved = 0;
            Volatile.Write(ref _next, prepared);
            Volatile.Write(ref _prepared, null);
        }
        for (int end = Math.Min(_moved + MovedAtOnce, _buckets.Length); _moved < end; _moved++) Move_NeedsGate(_moved, _buckets, _next);
        if (_moved < _buckets.Length) return;
        // In this order: whoever does not find a next array finds that this one has taken its place.
        Volatile.Write(ref _buckets, _next);
        Volatile.Write(ref _next, null);
    }

    /// <summary>Puts an entry in, in the place of <paramref name="old"/> where there is one; no reader finds neither.</summary>
    public void Put_NeedsGate(Entry entry, Entry? old)
    {
        if (old is not null)
        {
            entry.Next = old.Next;
            Volatile.Write(ref LinkTo_NeedsGate(old), entry);
            return;
        }
        ref Entry? head = ref HeadOf_NeedsGate(entry.Hash);
        entry.Next = head;
        Volatile.Write(ref head, entry);
        Volatile.Write(ref _count, _count + 1);
    }

    public void Remove_NeedsGate(Entry entry)
    {
        Volatile.Write(ref LinkTo_NeedsGate(entry), entry.Next);
        Volatile.Write(ref _count, _count - 1);
    }

    /// <summary>How many steps a walk over the entries takes that begins now.</summary>
    public int Steps_NeedsGate => _buckets.Length;

    /// <summary>
    /// Adds the entries of one step of a walk. Each entry that is there during the whole walk is met once, although the
    /// table may grow between steps: it doubles, so what was one chain is found at a multiple of the steps behind.
    /// </summary>
    public void Walk_NeedsGate(int step, int steps, List<Entry> into)
    {
        for (int at = step; at < _buckets.Length; at += steps)
        {
            if (!ReferenceEquals(_buckets[at], Moved))
            {
                AddChain(_buckets[at], into);
                continue;
            }
            AddChain(_next![at], into);
            AddChain(_next[at + _buckets.Length], into);
        }
    }

    private static void AddChain(Entry? head, List<Entry> into)
    {
        for (Entry? entry = head; entry is not null; entry = entry.Next) into.Add(entry);
    }

    /// <summary>Goes after a key that was not found, into the next array where its chain has left this one or is about to.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Entry? LookAgain(ReadOnlySpan<char> key, int hash, Entry?[] buckets)
    {
        for (SpinWait spin = default; ReferenceEquals(Volatile.Read(ref buckets[hash & (buckets.Length - 1)]), Moved);)
        {
            if (Volatile.Read(ref _next) is not { } next || next.Length != buckets.Length * 2)
            {
                // The doubling that the mark belongs to has ended.
                buckets = Volatile.Read(ref _buckets);
            }
            else if (Volatile.Read(ref _moving) == (hash & (buckets.Length - 1)))
            {
                spin.SpinOnce();
                continue;
            }
            else
            {
                buckets = next;
            }
            for (Entry? entry = Volatile.Read(ref buckets[hash & (buckets.Length - 1)]); entry is not null; entry = Volatile.Read(ref entry.Next))
                if (entry.Hash == hash && IsKey(key, entry.Key)) return entry;
        }
        return null;
    }

    /// <summary>Ordinal equality with a string that is known not to be null, which the compiler does not know.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsKey(ReadOnlySpan<char> key, string stored) =>
        key.Length == stored.Length && key.SequenceEqual(MemoryMarshal.CreateReadOnlySpan(in stored.GetPinnableReference(), key.Length));

    /// <summary>The bucket that holds the chain of a hash at present.</summary>
    private ref Entry? HeadOf_NeedsGate(int hash)
    {
        ref Entry? head = ref _buckets[hash & (_buckets.Length - 1)];
        if (ReferenceEquals(head, Moved)) head = ref _next![hash & (_next.Length - 1)];
        return ref head;
    }

    /// <summary>The link that points to an entry that is in the table.</summary>
    private ref Entry? LinkTo_NeedsGate(Entry entry)
    {
        ref Entry? link = ref HeadOf_NeedsGate(entry.Hash);
        while (!ReferenceEquals(link, entry)) link = ref link!.Next;
        return ref link;
    }

    /// <summary>Splits a chain in two.</summary>
    private void Move_NeedsGate(int from, Entry?[] buckets, Entry?[] next)
    {
        Entry? entry = buckets[from], low = null, high = null;
        Volatile.Write(ref _moving, from);
        Volatile.Write(ref buckets[from], Moved);
        for (Entry? after; entry is not null; entry = after)
        {
            after = entry.Next;
            ref Entry? head = ref (entry.Hash & buckets.Length) == 0 ? ref low : ref high;
            Volatile.Write(ref entry.Next, head);
            head = entry;
        }
        Volatile.Write(ref next[from], low);
        Volatile.Write(ref next[from + buckets.Length], high);
        Volatile.Write(ref _moving, -1);
    }
}
