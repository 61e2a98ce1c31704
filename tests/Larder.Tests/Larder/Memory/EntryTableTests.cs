namespace Larder.Tests.Memory;

public sealed class EntryTableTests
{
    [Fact]
    public void It_does_what_a_dictionary_does()
    {
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
            }
            foreach ((string key, Entry entry) in model) Assert.Same(entry, table.Find(key, entry.Hash));
            Assert.Equal([.. model.Values], Walk(table).ToHashSet());
        }
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
    public void A_reader_that_does_not_look_again_would_miss_some()
    {
        long missed = 0;
        for (int round = 0; round < 3000 && missed == 0; round++)
        {
            var table = new HastyTable();
            Entry[] stable = [.. Enumerable.Range(0, 16).Select(i => Make("stable" + i))];
            foreach (Entry entry in stable) table.Put(entry);
            missed = MissedWhileGrowing(stable, table.Find, () =>
            {
                for (int i = 0; i < 20_000; i++) table.Put(Make("k" + i));
            });
        }
        Assert.True(missed > 0, "the test above is blind");
    }

    private static long MissedWhileGrowing(Entry[] stable, Func<string, int, Entry?> find, Action grow)
    {
        long missed = 0;
        bool done = false;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
                foreach (Entry entry in stable)
                    if (!ReferenceEquals(find(entry.Key, entry.Hash), entry)) missed++;
        });
        reader.Start();
        grow();
        Volatile.Write(ref done, true);
        reader.Join();
        return missed;
    }

    /// <summary>Moves its chains where readers read them, and readers believe what they see.</summary>
    private sealed class HastyTable
    {
        private Entry?[] _buckets = new Entry?[16];
        private int _count;

        public Entry? Find(string key, int hash)
        {
            Entry?[] buckets = Volatile.Read(ref _buckets);
            for (Entry? entry = Volatile.Read(ref buckets[hash & (buckets.Length - 1)]); entry is not null; entry = Volatile.Read(ref entry.Next))
                if (entry.Hash == hash && entry.Key == key) return entry;
            return null;
        }

        public void Put(Entry entry)
        {
            if (_count++ >= _buckets.Length)
            {
                var next = new Entry?[_buckets.Length * 2];
                foreach (Entry? head in _buckets)
                    for (Entry? moved = head, after; moved is not null; moved = after)
                    {
                        after = moved.Next;
                        moved.Next = next[moved.Hash & (next.Length - 1)];
                        next[moved.Hash & (next.Length - 1)] = moved;
                    }
                Volatile.Write(ref _buckets, next);
            }
            ref Entry? place = ref _buckets[entry.Hash & (_buckets.Length - 1)];
            entry.Next = place;
            Volatile.Write(ref place, entry);
        }
    }

    private static void Put(EntryTable table, Entry entry, Entry? old)
    {
        table.Reserve_NeedsGate();
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
