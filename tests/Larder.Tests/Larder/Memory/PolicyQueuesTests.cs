namespace Larder.Tests.Memory;

/// <summary>The queues of all strategies, over simulated entries.</summary>
public sealed class PolicyQueuesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_in_whatever_order_nothing_is_lost_or_kept_twice(int seed)
    {
        var random = new Random(seed);
        var slots = new SlotTable();
        var queues = new PolicyQueues<int, Slots>(new(slots)) { MaxEntries = 100, MaxBytes = 5_000 };
        var model = new Dictionary<int, long>();
        for (int step = 0; step < 50_000; step++)
        {
            int hash = random.Next(400) * 0x2545_F491;
            int slot = slots.Find(hash);
            Assert.Equal(model.ContainsKey(hash), slot != SlotTable.None);
            switch (random.Next(20))
            {
                case 0:
                    queues.Strategy = (Strategy)random.Next(3);
                    break;
                case 1 when slot != SlotTable.None:
                    queues.Remove(slot);
                    slots.Free(slot);
                    model.Remove(hash);
                    break;
                case < 8 when slot != SlotTable.None:
                    slots[slot].Uses = (byte)random.Next(4);
                    break;
                default:
                    if (slot != SlotTable.None) break;
                    long cost = random.Next(1, 200);
                    while (queues.Count >= 100 || queues.Bytes + cost > 5_000)
                    {
                        int victim = queues.Evict();
                        Assert.True(model.Remove(slots[victim].Hash));
                        slots.Free(victim);
                    }
                    queues.Add(slots.Take(hash, cost));
                    model.Add(hash, cost);
                    break;
            }
            Assert.Equal(model.Count, queues.Count);
            Assert.Equal(model.Values.Sum(), queues.Bytes);
        }
        while (queues.Count > 0) Assert.True(model.Remove(slots[queues.Evict()].Hash));
        Assert.Empty(model);
        Assert.Equal(SlotTable.None, queues.Evict());
    }

    [Fact]
    public void Where_everything_is_used_an_eviction_looks_at_few()
    {
        const int Entries = 5_000;
        foreach ((Strategy before, Strategy strategy) in Enum.GetValues<Strategy>().SelectMany(a => Enum.GetValues<Strategy>().Select(b => (a, b))))
        {
            var work = new Work();
            var queues = new PolicyQueues<int, CountedSlots>(new(work)) { MaxEntries = Entries, MaxBytes = long.MaxValue, Strategy = before };
            for (int hash = 0; hash < Entries; hash++) queues.Add(work.Slots.Take(hash, 1));
            for (int round = 0; round < 300; round++)
            {
                // Adversary: all of it is read between any two additions; then another strategy takes over.
                for (int slot = 0; slot < Entries; slot++) work.Slots[slot].Uses = 3;
                if (round == 100) queues.Strategy = strategy;
                work.Looks = 0;
                work.Slots.Free(queues.Evict());
                queues.Add(work.Slots.Take(Entries + round, 1));
                Assert.InRange(work.Looks, 1, 1_000);
            }
        }
    }

    [Fact]
    public void A_hand_without_a_limit_would_be_seen_to_look_at_all()
    {
        const int Entries = 20_000;
        var work = new Work();
        var nodes = new CountedSlots(work);
        var queue = new NodeQueue<int, CountedSlots>(EvictionQueue.Main, nodes);
        for (int hash = 0; hash < Entries; hash++) queue.Push(work.Slots.Take(hash, 1));
        for (int slot = 0; slot < Entries; slot++) work.Slots[slot].Uses = 3;
        work.Looks = 0;
        for (int node = queue.Oldest; nodes.UsesOf(node) > 0; node = queue.Oldest)
        {
            nodes.SetUses(node, 0);
            queue.Remove(node);
            queue.Push(node);
        }
        Assert.True(work.Looks > Entries);
    }

    [Fact]
    public void A_window_left_by_another_strategy_shrinks()
    {
        var slots = new SlotTable();
        var queues = new PolicyQueues<int, Slots>(new(slots)) { MaxEntries = 1_000, MaxBytes = long.MaxValue };
        for (int hash = 0; hash < 2_000; hash++) Add(hash);
        int InSmall() => slots.Used().Count(slot => slots[slot].Queue == EvictionQueue.Small);
        Assert.InRange(InSmall(), 90, 110);
        queues.Strategy = Strategy.Frequency;
        for (int hash = 2_000; hash < 2_100; hash++) Add(hash);
        Assert.InRange(InSmall(), 1, 21);
        queues.Strategy = Strategy.Recency;
        for (int hash = 2_100; hash < 2_200; hash++) Add(hash);
        Assert.Equal(0, InSmall());
        queues.Strategy = Strategy.Filter;
        for (int hash = 2_200; hash < 2_400; hash++) Add(hash);
        Assert.InRange(InSmall(), 90, 110);
        Assert.Equal(1_000, queues.Count);

        void Add(int hash)
        {
            if (queues.Count == 1_000) slots.Free(queues.Evict());
            queues.Add(slots.Take(hash, 1));
        }
    }

    private sealed class Work
    {
        public SlotTable Slots { get; } = new();

        public int Looks { get; set; }
    }

    /// <summary>Slots that count how often they are looked at.</summary>
    private readonly struct CountedSlots(Work work) : INodes<int>
    {
        public int None => SlotTable.None;

        public bool IsNone(int node) => node == SlotTable.None;

        public int HashOf(int node) => work.Slots[node].Hash;

        public long CostOf(int node) => work.Slots[node].Cost;

        public int UsesOf(int node)
        {
            work.Looks++;
            return work.Slots[node].Uses;
        }

        public void SetUses(int node, int uses) => work.Slots[node].Uses = (byte)uses;

        public ref int Newer(int node) => ref work.Slots[node].Newer;

        public ref int Older(int node) => ref work.Slots[node].Older;

        public ref EvictionQueue Queue(int node)
        {
            work.Looks++;
            return ref work.Slots[node].Queue;
        }
    }
}
