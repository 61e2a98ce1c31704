using System.Reflection;

namespace Larder.Tests.Support;

/// <summary>Checks invariant 1 of the memory store: dictionary, queues and wheel agree while nobody writes.</summary>
internal static class StoreIntegrity
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    public static MemoryStore StoreOf(LarderCache cache) => (MemoryStore)Field(cache, "_memory");

    public static EvictionPolicy PolicyOf(LarderCache cache) => (EvictionPolicy)Field(StoreOf(cache), "_policy");

    public static void Check(LarderCache cache) => Check(StoreOf(cache));

    public static void Check(MemoryStore store)
    {
        HashSet<Entry> inTable = [.. store.Entries];
        object policy = Field(store, "_policy");
        var inQueues = new HashSet<Entry>();
        object queues = Field(policy, "_queues");
        (object Of, string Field, EvictionQueue Name)[] all =
        [
            (queues, "_small", EvictionQueue.Small), (queues, "_main", EvictionQueue.Main), (queues, "_hot", EvictionQueue.Hot), (policy, "_pinned", EvictionQueue.Pinned),
        ];
        foreach ((object of, string field, EvictionQueue name) in all)
        {
            object queue = Field(of, field);
            long bytes = 0;
            int count = 0;
            Entry? older = null;
            for (Entry? e = (Entry?)Property(queue, "Oldest"); e is not null; older = e, e = e.Newer)
            {
                Assert.True(inQueues.Add(e), "an entry is queued twice");
                Assert.Equal(name, e.Queue);
                Assert.Same(older, e.Older);
                bytes += e.Cost;
                count++;
            }
            Assert.Equal(count, Property(queue, "Count"));
            Assert.Equal(bytes, Property(queue, "Bytes"));
        }
        Assert.Equal(inTable.Count, inQueues.Count);
        Assert.Subset(inTable, inQueues);
        Assert.Equal(inTable.Count, store.Count);
        Assert.Equal(inTable.Sum(e => e.Cost), store.Bytes);
        Assert.All(inTable, e => Assert.Same(e, store.Find(e.Key)));

        var heads = (Entry?[])Field(Field(store, "_wheel"), "_heads");
        var inWheel = new HashSet<Entry>();
        for (int slot = 0; slot < heads.Length; slot++)
            for (Entry? e = heads[slot], previous = null; e is not null; previous = e, e = e.WheelNext)
            {
                Assert.Equal(slot, e.WheelSlot);
                Assert.Same(previous, e.WheelPrevious);
                Assert.True(inWheel.Add(e), "an entry is in the wheel twice");
            }
        Assert.True(inWheel.SetEquals(inTable.Where(e => e.GoneAt != long.MaxValue)), "the wheel holds what the table holds");
    }

    public static object Field(object of, string name) => of.GetType().GetField(name, Hidden)?.GetValue(of)
        ?? of.GetType().GetFields(Hidden).Single(f => f.Name.Contains(name, StringComparison.Ordinal)).GetValue(of)!;

    private static object? Property(object of, string name) => of.GetType().GetProperty(name, Hidden)!.GetValue(of);
}
