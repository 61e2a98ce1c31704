using System.Reflection;
using Larder.Tests.Support;

namespace Larder.Tests.Memory;

public sealed class EntryTableTests
{
    [Fact]
    public void It_does_what_a_dictionary_does_also_while_it_grows()
    {
        int whileGrowing = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var table = new EntryTable(random.Next(2) == 0 ? 0 : 100_000);
            var model = new Dictionary<string, Entry>();
            // Hashes of few bits make long chains.
            int mask = random.Next(3) switch { 0 => 7, 1 => 255, _ => -1 };
            for (int step = 0; step < 4000; step++)
            {
                string key = "k" + random.Next(1500);
                int hash = KeyComparer.Hash(key) & mask;
                Entry? old = table.Find(key, hash);
                Assert.Same(model.GetValueOrDefault(key), old);
                if (random.Next(3) > 0)
                {
                    Entry entry = Make(key, hash);
                    Put(table, entry, old);
                    model[key] = entry;
                }
                else if (old is not null)
                {
                    table.Remove_NeedsGate(old);
                    model.Remove(key);
                }
                if (!IsGrowing(table)) continue;
                whileGrowing++;
                if (random.Next(8) == 0) Assert.Equal([.. model.Values], Walk(table));
            }
            foreach ((string key, Entry entry) in model) Assert.Same(entry, table.Find(key, entry.Hash));
            Assert.Equal([.. model.Values], Walk(table));
        }
        Assert.True(whileGrowing > 1000, $"only {whileGrowing} steps while it grew");
    }

    [Fact]
    public void No_addition_moves_more_than_a_few_chains_and_doubling_ends_before_the_next_is_due()
    {
        var table = new EntryTable(0);
        int moved = 0, growing = 0;
        for (int i = 0; i < 300_000; i++)
        {
            Put(table, Make("k" + i), null);
            bool isGrowing = IsGrowing(table);
            int before = moved;
            moved = isGrowing ? (int)StoreIntegrity.Field(table, "_moved") : 0;
            if (isGrowing) Assert.InRange(moved - before, 0, 8);
            growing = isGrowing ? growing + 1 : 0;
            Assert.True(growing <= table.Steps_NeedsGate / 8, "growing takes too long");
            Assert.InRange(i + 1, 0, table.Steps_NeedsGate * 9 / 8 + 8);
        }
        Assert.Equal(1 << 19, table.Steps_NeedsGate);
    }

    [Fact]
    public void Without_a_larger_array_the_table_does_with_longer_chains()
    {
        var table = new EntryTable(0);
        Entry[] entries = [.. Enumerable.Range(0, 100).Select(i => Make("k" + i))];
        foreach (Entry entry in entries)
        {
            table.Grow_NeedsGate();
            table.Put_NeedsGate(entry, null);
        }
        Assert.Equal(16, table.Steps_NeedsGate);
        Assert.All(entries, entry => Assert.Same(entry, table.Find(entry.Key, entry.Hash)));
    }

    [Fact]
    public void Without_memory_for_a_larger_array_no_addition_fails_and_few_try()
    {
        const int Entries = 20_000;
        int tries = 0;
        bool isShort = true;
        var table = new EntryTable(0, length =>
        {
            tries++;
            return isShort && length > 1024 ? throw new OutOfMemoryException() : new Entry?[length];
        });
        Entry[] entries = [.. Enumerable.Range(0, Entries).Select(i => Make("k" + i))];
        foreach (Entry entry in entries) Put(table, entry, null);
        Assert.Equal(1024, table.Steps_NeedsGate);
        Assert.All(entries, entry => Assert.Same(entry, table.Find(entry.Key, entry.Hash)));
        // Six doublings, and one try for each eighth of a table of more entries.
        Assert.InRange(tries, 7, 6 + 1 + Entries / 128);
        isShort = false;
        for (int i = 0; i < Entries; i++) Put(table, Make("more" + i), null);
        Assert.InRange(table.Steps_NeedsGate, Entries, 4 * Entries);
        Assert.All(entries, entry => Assert.Same(entry, table.Find(entry.Key, entry.Hash)));
    }

    [Fact]
    public void A_walk_meets_each_entry_once_although_the_table_grows()
    {
        var table = new EntryTable(16);
        Entry[] first = [.. Enumerable.Range(0, 16).Select(i => Make("k" + i))];
        foreach (Entry entry in first) Put(table, entry, null);
        int steps = table.Steps_NeedsGate, added = 16;
        var met = new List<Entry>();
        for (int step = 0; step < steps; step++)
        {
            table.Walk_NeedsGate(step, steps, met);
            for (int i = 0; i < 200; i++) Put(table, Make("k" + added++), null);
        }
        Assert.True(table.Steps_NeedsGate > steps * 8);
        Assert.Equal(met.Count, met.Distinct().Count());
        Assert.All(first, entry => Assert.Contains(entry, met));
    }

    [Fact]
    public void Growing_hides_nothing_from_readers()
    {
        // Bits of the hash that only the larger tables look at are set apart, so that all chains split again and again.
        for (int round = 0; round < 60; round++)
        {
            var table = new EntryTable(0);
            Entry[] stable = [.. Enumerable.Range(0, 16).Select(i => Make("stable" + i))];
            foreach (Entry entry in stable) Put(table, entry, null);
            Assert.Equal(0, MissedWhileGrowing(stable, (key, hash) => table.Find(key, hash), () =>
            {
                for (int i = 0; i < 20_000; i++) Put(table, Make("k" + i), null);
            }));
        }
    }

    [Fact]
    public void Nor_does_the_table_below_as_long_as_it_has_no_fault()
    {
        for (int round = 0; round < 60; round++)
        {
            var table = new HastyTable(Fault.None);
            Entry[] stable = [.. Enumerable.Range(0, 16).Select(i => Make("stable" + i))];
            foreach (Entry entry in stable) table.Put(entry, null);
            Assert.Equal(0, MissedWhileGrowing(stable, table.Find, () =>
            {
                for (int i = 0; i < 20_000; i++) table.Put(Make("k" + i), null);
            }));
        }
    }

    [Theory]
    [InlineData(Fault.None)]
    [InlineData(Fault.BelievesTheFirstLook)]
    public void A_reader_whose_chain_is_taken_apart_has_to_look_again(Fault fault)
    {
        var table = new HastyTable(fault);
        (Entry low, Entry high) = PutChain(table);
        // He stands on the first entry of the chain; the second one, which he wants, goes elsewhere.
        table.Stepping = entry =>
        {
            if (!ReferenceEquals(entry, low)) return;
            table.Stepping = null;
            for (int i = 0; i < 100; i++) table.Put(MakeBeside(i), null);
        };
        Entry? found = table.Find(high.Key, high.Hash);
        Assert.Null(table.Stepping);
        Assert.Same(fault == Fault.None ? high : null, found);
    }

    [Theory]
    [InlineData(Fault.None)]
    [InlineData(Fault.DoesNotWaitForTheChain)]
    public void A_reader_has_to_wait_for_a_chain_that_is_between_two_arrays(Fault fault)
    {
        var table = new HastyTable(fault);
        (_, Entry high) = PutChain(table);
        Entry? found = null;
        Thread? reader = null;
        using var hasLooked = new ManualResetEventSlim();
        table.Waiting = hasLooked.Set;
        // He comes while the chain is nowhere, and it arrives only when he waits for it or has gone.
        table.Moving = from =>
        {
            if (from != 0 || reader is not null) return;
            reader = new Thread(() =>
            {
                found = table.Find(high.Key, high.Hash);
                hasLooked.Set();
            });
            reader.Start();
            hasLooked.Wait();
        };
        for (int i = 0; i < 100; i++) table.Put(MakeBeside(i), null);
        Assert.NotNull(reader);
        reader.Join();
        Assert.Same(fault == Fault.None ? high : null, found);
    }

    /// <summary>A chain of two entries in the first bucket, which the first doubling parts.</summary>
    private static (Entry Low, Entry High) PutChain(HastyTable table)
    {
        Entry low = Make("low", 0), high = Make("high", 16);
        table.Put(high, null);
        table.Put(low, null);
        return (low, high);
    }

    /// <summary>An entry that is in another bucket than the first, however large the table.</summary>
    private static Entry MakeBeside(int i) => Make("k" + i, 16 * i + 1 + i % 15);

    [Fact]
    public void No_reader_finds_what_was_replaced_before_it_came()
    {
        for (int round = 0; round < 20; round++)
        {
            var table = new EntryTable(0);
            Assert.Equal(0, OldWhileGrowing((key, hash) => table.Find(key, hash), (entry, old) => Put(table, entry, old)));
        }
    }

    [Theory]
    [InlineData(Fault.None)]
    [InlineData(Fault.KeepsOldChains)]
    public void A_table_that_keeps_its_old_chains_readable_shows_replaced_ones(Fault fault)
    {
        var table = new HastyTable(fault);
        int old = 0;
        Entry newest = Make("v", 0);
        table.Put(newest, null);
        for (int i = 0; i < 200; i++)
        {
            table.Put(MakeBeside(i), null);
            Entry replaced = newest;
            table.Put(newest = Make("v", 0), replaced);
            if (!ReferenceEquals(table.Find("v", 0), newest)) old++;
        }
        Assert.Equal(fault != Fault.None, old > 0);
    }

    private static long MissedWhileGrowing(Entry[] stable, Func<string, int, Entry?> find, Action grow)
    {
        long missed = 0;
        ReadMeanwhile(grow, () =>
        {
            foreach (Entry entry in stable)
                if (!ReferenceEquals(find(entry.Key, entry.Hash), entry)) missed++;
        });
        return missed;
    }

    /// <summary>Replaces a few entries again and again while many others are added; how often a reader found one older than it knew of.</summary>
    private static long OldWhileGrowing(Func<string, int, Entry?> find, Action<Entry, Entry?> put)
    {
        var newest = new Entry[16];
        for (int i = 0; i < newest.Length; i++) put(newest[i] = MakeVersion(i, 0), null);
        long older = 0;
        ReadMeanwhile(() =>
        {
            for (int i = 0; i < 40_000; i++)
            {
                put(Make("k" + i), null);
                int replaced = i % newest.Length;
                Entry entry = MakeVersion(replaced, i + 1);
                put(entry, newest[replaced]);
                Volatile.Write(ref newest[replaced], entry);
            }
        }, () =>
        {
            for (int i = 0; i < newest.Length; i++)
            {
                Entry known = Volatile.Read(ref newest[i]);
                if (find(known.Key, known.Hash) is not { } found || (int)found.Value < (int)known.Value) older++;
            }
        });
        return older;

        static Entry MakeVersion(int i, int version) => new() { Key = "v" + i, Value = version, Cost = 1, CreatedAt = 0, FreshUntil = long.MaxValue, Hash = KeyComparer.Hash("v" + i) };
    }

    private static void ReadMeanwhile(Action write, Action read)
    {
        bool done = false;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref done)) read();
        });
        reader.Start();
        write();
        Volatile.Write(ref done, true);
        reader.Join();
    }

    public enum Fault
    {
        None,
        /// <summary>Does not ask whether the chain was taken apart while it was read.</summary>
        BelievesTheFirstLook,
        /// <summary>Goes on in the next array although the chain has not arrived.</summary>
        DoesNotWaitForTheChain,
        /// <summary>Leaves the bucket as it was when its chain has moved, and looks there first.</summary>
        KeepsOldChains,
    }

    /// <summary>Grows as the table does, chain by chain, but for one fault, and can be held up at the places that matter.</summary>
    private sealed class HastyTable(Fault fault)
    {
        private static readonly Entry Moved = Make("");

        private Entry?[] _buckets = new Entry?[16];
        private Entry?[]? _next;
        private int _moving = -1;
        private int _moved;
        private int _count;

        /// <summary>A reader is about to go on from an entry.</summary>
        public Action<Entry>? Stepping { get; set; }

        /// <summary>A reader waits for a chain.</summary>
        public Action? Waiting { get; set; }

        /// <summary>The chain of a bucket is in no array.</summary>
        public Action<int>? Moving { get; set; }

        public Entry? Find(string key, int hash)
        {
            for (Entry?[] buckets = Volatile.Read(ref _buckets); ;)
            {
                ref Entry? head = ref buckets[hash & (buckets.Length - 1)];
                Entry? first = Volatile.Read(ref head);
                if (Walk(first, key, hash) is { } found) return found;
                if (!ReferenceEquals(first, Moved) && fault == Fault.BelievesTheFirstLook) return null;
                if (!ReferenceEquals(Volatile.Read(ref head), Moved)) return null;
                if (Volatile.Read(ref _next) is not { } next || next.Length != buckets.Length * 2)
                {
                    buckets = Volatile.Read(ref _buckets);
                }
                else if (Volatile.Read(ref _moving) == (hash & (buckets.Length - 1)) && fault != Fault.DoesNotWaitForTheChain)
                {
                    Waiting?.Invoke();
                    Thread.Yield();
                }
                else
                {
                    buckets = next;
                }
            }
        }

        public void Put(Entry entry, Entry? old)
        {
            if (_next is null && _count > _buckets.Length)
            {
                _moved = 0;
                Volatile.Write(ref _next, new Entry?[_buckets.Length * 2]);
            }
            if (_next is not null)
            {
                for (int end = Math.Min(_moved + 8, _buckets.Length); _moved < end; _moved++) Move(_moved, _next);
                if (_moved == _buckets.Length)
                {
                    Volatile.Write(ref _buckets, _next);
                    Volatile.Write(ref _next, null);
                }
            }
            int from = entry.Hash & (_buckets.Length - 1);
            ref Entry? link = ref _buckets[from];
            if (_next is not null && from < _moved) link = ref _next[entry.Hash & (_next.Length - 1)];
            while (old is not null && !ReferenceEquals(link, old)) link = ref link!.Next;
            entry.Next = old is null ? link : old.Next;
            Volatile.Write(ref link, entry);
            if (old is null) _count++;
        }

        private void Move(int from, Entry?[] next)
        {
            Entry? entry = _buckets[from], low = null, high = null;
            Volatile.Write(ref _moving, from);
            if (fault != Fault.KeepsOldChains) Volatile.Write(ref _buckets[from], Moved);
            for (Entry? after; entry is not null; entry = after)
            {
                after = entry.Next;
                ref Entry? head = ref (entry.Hash & _buckets.Length) == 0 ? ref low : ref high;
                Volatile.Write(ref entry.Next, head);
                head = entry;
            }
            Moving?.Invoke(from);
            Volatile.Write(ref next[from], low);
            Volatile.Write(ref next[from + _buckets.Length], high);
            Volatile.Write(ref _moving, -1);
        }

        private Entry? Walk(Entry? entry, string key, int hash)
        {
            for (; entry is not null; entry = Volatile.Read(ref entry.Next))
            {
                if (entry.Hash == hash && entry.Key == key) return entry;
                Stepping?.Invoke(entry);
            }
            return null;
        }
    }

    private static bool IsGrowing(EntryTable table) => Next.GetValue(table) is not null;

    private static readonly FieldInfo Next = typeof(EntryTable).GetField("_next", BindingFlags.Instance | BindingFlags.NonPublic)!;

    private static void Put(EntryTable table, Entry entry, Entry? old)
    {
        table.Prepare();
        table.Grow_NeedsGate();
        table.Put_NeedsGate(entry, old);
    }

    private static HashSet<Entry> Walk(EntryTable table)
    {
        var met = new List<Entry>();
        int steps = table.Steps_NeedsGate;
        for (int step = 0; step < steps; step++) table.Walk_NeedsGate(step, steps, met);
        Assert.Equal(met.Count, met.Distinct().Count());
        return [.. met];
    }

    private static Entry Make(string key, int? hash = null) => new() { Key = key, Value = key, Cost = 1, CreatedAt = 0, FreshUntil = long.MaxValue, Hash = hash ?? KeyComparer.Hash(key) };
}
