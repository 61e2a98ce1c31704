using Larder.Tests.Support;

namespace Larder.Tests.Expiry;

/// <summary>What the wheel hands out, compared with a model that looks at every entry.</summary>
public sealed class ExpiryWheelTests
{
    private interface IWheel
    {
        void Add(Entry entry);

        void Remove(Entry entry);

        /// <summary>Takes out some of what has expired; whether that was all.</summary>
        bool Collect(long now, int budget, List<Entry> expired);
    }

    [Fact]
    public void What_has_expired_is_handed_out_and_nothing_else_although_ends_move_and_looks_are_cut_short() =>
        Assert.Null(FirstDifference(() => new Wheel()));

    [Theory]
    [InlineData(Fault.LeavesEntriesWhereTheyWere)]
    [InlineData(Fault.AddsBehindTheLook)]
    public void A_wheel_with_a_fault_is_convicted(Fault fault) => Assert.NotNull(FirstDifference(() => new FaultyWheel(fault)));

    [Fact]
    public void A_look_is_cut_short_within_a_second_full_of_entries_that_live_on()
    {
        var wheel = new ExpiryWheel();
        for (int i = 0; i < 1000; i++) wheel.Add_NeedsGate(Make("long" + i, 4096_000 * 2 + i));
        for (int i = 0; i < 10; i++) wheel.Add_NeedsGate(Make("short" + i, 500));
        var expired = new List<Entry>();
        int looks = 1;
        while (!wheel.Collect_NeedsGate(1000, 100, expired)) looks++;
        Assert.Equal(10, expired.Count);
        Assert.InRange(looks, 10, 12);
    }

    [Fact]
    public void What_is_used_in_time_stays_whoever_sweeps_meanwhile() => Assert.Equal(0, LostWhileSweeping(ahead: 0));

    [Fact]
    public void A_sweep_that_runs_ahead_is_convicted() => Assert.NotEqual(0, LostWhileSweeping(ahead: 150));

    private static string? FirstDifference(Func<IWheel> make)
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            IWheel wheel = make();
            var stored = new HashSet<Entry>();
            long now = random.Next(5000);
            for (int step = 0; step < 300; step++)
            {
                Change();
                if (random.Next(4) > 0) continue;
                now += random.Next(5) switch { 0 => random.Next(3), 1 => 4096_000 + random.Next(10_000_000), _ => random.Next(3000) };
                // Cut short again and again, and the clock goes on meanwhile; then once more in peace.
                var expired = new List<Entry>();
                for (int looks = 0; looks < 20 && !wheel.Collect(now, random.Next(1, 8), expired); looks++)
                {
                    Change();
                    if (random.Next(2) == 0) now += random.Next(600);
                }
                while (!wheel.Collect(now, 50, expired)) { }
                if (expired.Any(entry => !stored.Remove(entry))) return $"seed {seed}: handed out twice";
                if (expired.Any(entry => !entry.IsGone(now))) return $"seed {seed}: handed out before its end";
                if (stored.Any(entry => entry.IsGone(now))) return $"seed {seed}: kept after its end";
            }

            void Change()
            {
                for (int i = random.Next(4); i > 0; i--)
                {
                    if (stored.Count > 0 && random.Next(3) > 0)
                    {
                        Entry entry = stored.ElementAt(random.Next(stored.Count));
                        // Mostly used, sometimes removed; one that was handed out meanwhile is in no wheel.
                        if (random.Next(8) > 0) entry.ProlongFreshness(now, now + Life());
                        else if (entry.WheelSlot >= 0 && stored.Remove(entry)) wheel.Remove(entry);
                    }
                    else
                    {
                        Entry entry = Make("k", now + Life());
                        stored.Add(entry);
                        wheel.Add(entry);
                    }
                }
            }

            long Life() => random.Next(6) switch { 0 => 1 + random.Next(20), 1 => 4096_000 * (long)random.Next(1, 3) + random.Next(2000), _ => random.Next(1, 4000) };
        }
        return null;
    }

    /// <summary>Readers use all entries at each instant, a sweep drops what has expired. The clock goes on when all were used.</summary>
    private static int LostWhileSweeping(long ahead)
    {
        const int Keys = 50, Sliding = 100, Until = 500;
        var ordinals = new Ordinals();
        var store = new MemoryStore(1000, 1 << 20, ordinals, new(ordinals), null);
        for (int i = 0; i < Keys; i++) store.Set(Make("k" + i, Sliding));
        for (int i = 0; i < Keys; i++) store.Set(Make("unused" + i, Sliding));
        long now = 0;
        long[] used = new long[2];
        Thread[] readers = [.. Enumerable.Range(0, used.Length).Select(r => new Thread(() =>
        {
            for (long at; (at = Volatile.Read(ref now)) < Until; Thread.Yield())
            {
                for (int i = 0; i < Keys; i++) store.Prolong("k" + i, "v", at, at + Sliding);
                Volatile.Write(ref used[r], at + 1);
            }
        }))];
        foreach (Thread reader in readers) reader.Start();
        for (long at = 0; at < Until; Volatile.Write(ref now, ++at))
        {
            for (bool all = false; !all; Thread.Yield())
            {
                store.DropExpired(at + ahead);
                all = Enumerable.Range(0, used.Length).All(r => Volatile.Read(ref used[r]) > at);
            }
        }
        foreach (Thread reader in readers) reader.Join();
        Assert.All(Enumerable.Range(0, Keys), i => Assert.Null(store.Find("unused" + i)));
        StoreIntegrity.Check(store);
        return Keys - store.Count;
    }

    private static Entry Make(string key, long until) => new() { Key = key, Value = "v", Cost = 1, CreatedAt = 0, FreshUntil = until, Hash = KeyComparer.Hash(key) };

    private sealed class Wheel : IWheel
    {
        private readonly ExpiryWheel _wheel = new();

        public void Add(Entry entry) => _wheel.Add_NeedsGate(entry);

        public void Remove(Entry entry) => _wheel.Remove_NeedsGate(entry);

        public bool Collect(long now, int budget, List<Entry> expired) => _wheel.Collect_NeedsGate(now, budget, expired);
    }

    public enum Fault
    {
        /// <summary>An entry whose end was moved on is passed over like one of a later turn.</summary>
        LeavesEntriesWhereTheyWere,
        /// <summary>What comes into a slot while it is looked at is put where the look has been.</summary>
        AddsBehindTheLook,
    }

    /// <summary>The wheel with lists for slots, and one fault.</summary>
    private sealed class FaultyWheel(Fault fault) : IWheel
    {
        private const int Slots = 4096;
        private readonly Dictionary<int, List<Entry>> _slots = [];
        private long _cursor;
        private int _seen;

        public void Add(Entry entry)
        {
            int slot = (int)(Math.Max(entry.GoneAt / 1000, _cursor) % Slots);
            entry.WheelSlot = slot;
            List<Entry> list = ListOf(slot);
            if (fault != Fault.AddsBehindTheLook) list.Add(entry);
            else
            {
                list.Insert(0, entry);
                if (_seen > 0 && slot == _cursor % Slots) _seen++;
            }
        }

        public void Remove(Entry entry)
        {
            List<Entry> list = ListOf(entry.WheelSlot);
            int at = list.IndexOf(entry);
            list.RemoveAt(at);
            if (entry.WheelSlot == _cursor % Slots && at < _seen) _seen--;
            entry.WheelSlot = -1;
        }

        public bool Collect(long now, int budget, List<Entry> expired)
        {
            long last = now / 1000;
            if (last - _cursor >= Slots) (_cursor, _seen) = (last - Slots + 1, 0);
            for (; ; _cursor++)
            {
                for (List<Entry> list = ListOf((int)(_cursor % Slots)); _seen < list.Count; budget--)
                {
                    if (budget <= 0) return false;
                    Entry entry = list[_seen++];
                    if (entry.IsGone(now))
                    {
                        Remove(entry);
                        expired.Add(entry);
                    }
                    else if (fault != Fault.LeavesEntriesWhereTheyWere && ExpiryWheel.IsMisplaced(entry))
                    {
                        Remove(entry);
                        Add(entry);
                    }
                }
                _seen = 0;
                if (_cursor >= last) return true;
            }
        }

        private List<Entry> ListOf(int slot) => _slots.TryGetValue(slot, out List<Entry>? list) ? list : _slots[slot] = [];
    }
}
