using System.Reflection;
using Larder.Tests.Support;

namespace Larder.Tests.Memory;

/// <summary>One large entry for which many small ones have to go: in pieces, between which others have their turn.</summary>
public sealed class MakingRoomTests
{
    private const int Small = 100;
    private const int Entries = 5_000;
    private const int AtOnce = 64;
    private const int MostAdded = 10 * Entries;
    private const long MaxBytes = Small * Entries;

    private readonly Ordinals _ordinals = new();
    private readonly InvalidationIndex _index;
    private readonly MemoryStore _store;
    private Action<Entry>? _evicted;
    private int _serial;

    public MakingRoomTests()
    {
        _index = new(_ordinals);
        // A listener is told when the gate is free, between two holds.
        _store = new(Entries * 2, MaxBytes, _ordinals, _index, (entry, _) => _evicted?.Invoke(entry));
        for (int i = 0; i < Entries; i++) AddSmall();
    }

    [Fact]
    public void The_gate_is_free_again_after_a_few_have_gone()
    {
        var told = new List<int>();
        _evicted = _ =>
        {
            Assert.InRange(_store.Bytes, 0, MaxBytes);
            told.Add(_store.Count);
        };
        Assert.Equal(Reason.None, _store.TryAdd(Make("large", MaxBytes - 10 * Small), _ordinals.Last));
        _evicted = null;
        Assert.Equal(Entries - 10, told.Count);
        // What went in one hold is told of while one count stands.
        Assert.All(told.GroupBy(count => count), hold => Assert.InRange(hold.Count(), 1, AtOnce));
        Assert.NotNull(_store.Find("large"));
        StoreIntegrity.Check(_store);
    }

    [Fact]
    public void Whoever_fills_the_room_meanwhile_delays_nothing()
    {
        Assert.InRange(AddedWhileRoomIsMade(), Entries, 2 * Entries);
        StoreIntegrity.Check(_store);
        // Nothing is left of the rule that held meanwhile.
        _store.Invalidate("large");
        for (int i = 0; i < Entries; i++) AddSmall();
        Assert.Equal(Entries, _store.Count);
    }

    [Fact]
    public void Without_that_rule_whoever_fills_the_room_would_hold_it_up_as_long_as_he_likes()
    {
        FieldInfo makingRoom = typeof(MemoryStore).GetField("_makingRoom", BindingFlags.Instance | BindingFlags.NonPublic)!;
        Assert.Equal(MostAdded, AddedWhileRoomIsMade(() => makingRoom.SetValue(_store, 0)));
    }

    /// <summary>Twice as many come as have gone for a large entry, as long as room is made for it or until there were <see cref="MostAdded"/>; how many.</summary>
    private int AddedWhileRoomIsMade(Action? beforeEach = null)
    {
        int added = 0;
        _evicted = _ =>
        {
            if (added >= MostAdded) return;
            added += 2;
            Quietly(() =>
            {
                beforeEach?.Invoke();
                AddSmall();
                AddSmall();
            });
            Assert.InRange(_store.Bytes, 0, MaxBytes);
        };
        Assert.Equal(Reason.None, _store.Set(Make("large", MaxBytes - 10 * Small)));
        _evicted = null;
        return added;
    }

    /// <summary>Entries for which room is made as well take what was freed for a larger one; in the end it gets it all the same.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Others_that_make_room_at_once_do_not_hold_it_up_for_ever(int others)
    {
        int told = 0, tookRoom = 0, count = _store.Count;
        long bytes = _store.Bytes;
        _evicted = _ =>
        {
            // Once a hold, but for the last; at first each is too large for what one hold lets go.
            if (told++ % AtOnce != 0 || _store.Find("large") is not null) return;
            Quietly(() =>
            {
                for (int i = 0; i < others; i++) _store.TryAdd(Make("other" + _serial++, 2 * AtOnce * Small), _ordinals.Last);
            });
            if (_store.Bytes >= bytes) tookRoom++;
            bytes = _store.Bytes;
            Assert.InRange(_store.Count, 0, count - 1);
            count = _store.Count;
        };
        Assert.Equal(Reason.None, _store.Set(Make("large", MaxBytes - 10 * Small)));
        _evicted = null;
        Assert.True(tookRoom > 0, "nobody took what was freed");
        Assert.InRange(told, 1, Entries);
        Assert.NotNull(_store.Find("large"));
        StoreIntegrity.Check(_store);
    }

    [Fact]
    public void An_event_between_two_holds_overtakes_the_entry()
    {
        long stamp = _ordinals.Last;
        _evicted = _ =>
        {
            _evicted = null;
            _index.Publish(Invalidation.Tag("t"), 0);
        };
        Assert.Equal(Reason.UnstoredOvertaken, _store.TryAdd(Make("large", MaxBytes, ["t"]), stamp));
        Assert.Null(_store.Find("large"));
        StoreIntegrity.Check(_store);
        stamp = _ordinals.Last;
        _evicted = _ =>
        {
            _evicted = null;
            _store.Invalidate("large");
        };
        Assert.Equal(Reason.UnstoredOvertaken, _store.TryAdd(Make("large", MaxBytes, ["t"]), stamp));
        Assert.Null(_store.Find("large"));
    }

    [Fact]
    public void The_older_value_is_found_until_the_large_one_takes_its_place()
    {
        Entry older = Make("large", Small, isPinned: true);
        _store.Set(older);
        bool found = true;
        _evicted = entry => found &= _store.Find("large") is { } stored && (ReferenceEquals(stored, older) || stored.Cost > Small);
        Assert.Equal(Reason.None, _store.Set(Make("large", MaxBytes)));
        Assert.True(found);
        Assert.Equal(1, _store.Count);
        StoreIntegrity.Check(_store);
    }

    [Fact]
    public void Several_at_once_keep_the_bounds_and_all_come_to_an_end()
    {
        long broken = 0;
        _evicted = null;
        Parallel.For(0, 4, new() { MaxDegreeOfParallelism = 4 }, t =>
        {
            var random = new Random(t);
            for (int i = 0; i < 3_000; i++)
            {
                long cost = random.Next(50) == 0 ? random.Next((int)MaxBytes / 2, (int)MaxBytes + 1) : Small;
                _store.Set(Make("k" + random.Next(2 * Entries), cost));
                if (_store.Bytes > MaxBytes) Interlocked.Increment(ref broken);
            }
        });
        Assert.Equal(0, broken);
        StoreIntegrity.Check(_store);
    }

    /// <summary>Does something of whose evictions nobody is told.</summary>
    private void Quietly(Action add)
    {
        (Action<Entry>? listener, _evicted) = (_evicted, null);
        add();
        _evicted = listener;
    }

    private void AddSmall() => _store.TryAdd(Make("k" + _serial++, Small), _ordinals.Last);

    private static Entry Make(string key, long cost, string[]? tags = null, bool isPinned = false) => new DetailedEntry
    {
        Key = key, Value = key, Cost = cost, CreatedAt = 0, FreshUntil = long.MaxValue, Hash = KeyComparer.Hash(key), TagList = tags ?? [], IsPinned = isPinned,
    };
}
