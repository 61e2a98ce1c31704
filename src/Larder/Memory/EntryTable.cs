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
/// 3. While the table grows its chains move one by one. A chain that has not moved is read in the old buckets; a reader
///    who finds nothing there looks whether it was being moved meanwhile, and then looks again. So growing may delay a
///    reader for the length of one chain, and never makes one miss what is stored.
/// </remarks>
internal sealed class EntryTable
{
    private const int Smallest = 16;
    private const int LargestAtOnce = 1024;

    /// <summary>Stands in a bucket whose chain is still in the old ones.</summary>
    private static readonly Entry Unmoved = new() { Key = "", Value = "", Cost = 0, CreatedAt = 0, FreshUntil = 0, Hash = 0 };

    private Entry?[] _buckets;
    /// <summary>Half as many; null while nothing moves.</summary>
    private Entry?[]? _old;
    /// <summary>The old bucket whose chain is being moved, or the last that was.</summary>
    private int _moving = -1;
    private int _count;

    public EntryTable(int maxEntries) =>
        _buckets = new Entry?[BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxEntries, Smallest, LargestAtOnce))];

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
        Entry? entry = Volatile.Read(ref buckets[hash & (buckets.Length - 1)]);
        if (ReferenceEquals(entry, Unmoved)) return FindUnmoved(key, hash, buckets);
        for (; entry is not null; entry = Volatile.Read(ref entry.Next))
            if (entry.Hash == hash && IsKey(key, entry.Key)) return entry;
        // The chain may have been taken apart by growing while it was read.
        return ReferenceEquals(buckets, Volatile.Read(ref _buckets)) ? null : Find(key, hash);
    }

    /// <summary>Makes room for one more.</summary>
    public void Reserve_NeedsGate()
    {
        if (_count >= _buckets.Length) Grow_NeedsGate();
    }

    /// <summary>Puts an entry in, for which room was reserved, in the place of <paramref name="old"/> where there is one; no reader finds neither.</summary>
    public void Put_NeedsGate(Entry entry, Entry? old)
    {
        if (old is not null)
        {
            entry.Next = old.Next;
            Volatile.Write(ref LinkTo_NeedsGate(old), entry);
            return;
        }
        ref Entry? head = ref _buckets[entry.Hash & (_buckets.Length - 1)];
        entry.Next = head;
        Volatile.Write(ref head, entry);
        _count++;
    }

    public void Remove_NeedsGate(Entry entry)
    {
        Volatile.Write(ref LinkTo_NeedsGate(entry), entry.Next);
        _count--;
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
            for (Entry? entry = _buckets[at]; entry is not null; entry = entry.Next) into.Add(entry);
    }

    private Entry? FindUnmoved(ReadOnlySpan<char> key, int hash, Entry?[] buckets)
    {
        for (SpinWait spin = default; ; spin.SpinOnce())
        {
            // While nothing moves there is no old chain, and the new one tells.
            if (Volatile.Read(ref _old) is { } old)
            {
                int from = hash & (old.Length - 1);
                for (Entry? entry = Volatile.Read(ref old[from]); entry is not null; entry = Volatile.Read(ref entry.Next))
                    if (entry.Hash == hash && IsKey(key, entry.Key)) return entry;
                // In this order: a chain is marked as moving before it changes, and in its new place before the next is marked.
                bool moving = Volatile.Read(ref _moving) == from;
                if (!moving && ReferenceEquals(Volatile.Read(ref buckets[hash & (buckets.Length - 1)]), Unmoved)
                    && ReferenceEquals(Volatile.Read(ref _old), old)) return null;
            }
            if (!ReferenceEquals(Volatile.Read(ref buckets[hash & (buckets.Length - 1)]), Unmoved)) return Find(key, hash);
        }
    }

    /// <summary>Ordinal equality with a string that is known not to be null, which the compiler does not know.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsKey(ReadOnlySpan<char> key, string stored) =>
        key.Length == stored.Length && key.SequenceEqual(MemoryMarshal.CreateReadOnlySpan(in stored.GetPinnableReference(), key.Length));

    /// <summary>The link that points to an entry that is in the table.</summary>
    private ref Entry? LinkTo_NeedsGate(Entry entry)
    {
        ref Entry? link = ref _buckets[entry.Hash & (_buckets.Length - 1)];
        while (!ReferenceEquals(link, entry)) link = ref link!.Next;
        return ref link;
    }

    private void Grow_NeedsGate()
    {
        Entry?[] old = _buckets;
        var buckets = new Entry?[old.Length * 2];
        Array.Fill(buckets, Unmoved);
        _moving = -1;
        Volatile.Write(ref _old, old);
        Volatile.Write(ref _buckets, buckets);
        for (int from = 0; from < old.Length; from++)
        {
            Volatile.Write(ref _moving, from);
            Entry? low = null, high = null;
            for (Entry? entry = old[from], next; entry is not null; entry = next)
            {
                next = entry.Next;
                ref Entry? head = ref (entry.Hash & old.Length) == 0 ? ref low : ref high;
                Volatile.Write(ref entry.Next, head);
                head = entry;
            }
            Volatile.Write(ref buckets[from], low);
            Volatile.Write(ref buckets[from + old.Length], high);
        }
        Volatile.Write(ref _old, null);
    }
}
