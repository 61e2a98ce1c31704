namespace Larder.Tests.Remote;

public sealed class PendingEventsTests
{
    private static bool Covers(PendingEvents pending, string key, params string[] tags) =>
        pending.CoversKey(key) || PendingEvents.Covers(pending.Note(), key, tags, "ann");

    [Fact]
    [Trait("clause", "R-10"), Trait("clause", "R-13")]
    public void An_event_covers_until_the_log_has_it_and_of_groups_until_it_was_read_there()
    {
        var pending = new PendingEvents(7);
        PendingEvent first = pending.Add(Invalidation.Key("k")), second = pending.Add(Invalidation.Key("k")), group = pending.Add(Invalidation.Tag("t"));
        Assert.True(Covers(pending, "k") && Covers(pending, "x", "t:1") && !Covers(pending, "x", "u"));
        pending.Appended(first, RemoteStream.Keys, new(1, 1));
        Assert.True(Covers(pending, "k"));
        pending.Appended(second, RemoteStream.Groups, new(1, 2));
        pending.Appended(group, RemoteStream.Groups, new(1, 3));
        Assert.True(Covers(pending, "k") && Covers(pending, "x", "t"));
        pending.Seen(second.Source.Number);
        pending.Seen(group.Source.Number);
        Assert.Equal((false, false, 0), (Covers(pending, "k"), Covers(pending, "x", "t"), pending.Count));
    }

    [Fact]
    [Trait("clause", "R-10")]
    public void What_stands_in_the_log_before_a_new_beginning_is_not_waited_for()
    {
        var pending = new PendingEvents(7);
        PendingEvent[] events = [.. Enumerable.Range(0, 4).Select(i => pending.Add(Invalidation.Tag("t" + i)))];
        pending.Appended(events[0], RemoteStream.Groups, new(1, 5));
        pending.Appended(events[1], RemoteStream.Groups, new(2, 3));
        pending.Appended(events[2], RemoteStream.Groups, new(2, 9));
        pending.Begun(new(2, 5));
        Assert.Equal([false, false, true, true], Enumerable.Range(0, 4).Select(i => Covers(pending, "k", "t" + i)));
    }

    [Fact]
    [Trait("clause", "R-24")]
    public void Too_many_become_one_that_covers_all_and_is_sent_first()
    {
        var pending = new PendingEvents(7, most: 100);
        for (int i = 0; i < 100; i++) pending.Postpone(pending.Add(Invalidation.Key("k" + i)));
        Assert.False(Covers(pending, "x"));
        pending.Add(Invalidation.Key("last"));
        Assert.True(Covers(pending, "x") && pending.Count <= 100);
        List<PendingEvent> waiting = pending.TakeWaiting(1000);
        Assert.Equal(InvalidationKind.All, waiting[0].What.Kind);
        Assert.Equal(Enumerable.Range(50, 50).Select(i => "k" + i), waiting.Skip(1).Select(e => e.What.Subject));
        Assert.Empty(pending.TakeWaiting(1000));
        for (int i = 0; i < 5000; i++) pending.Add(Invalidation.Tag("t" + i));
        Assert.True(pending.Count <= 100);
    }

    [Fact]
    public void Readers_are_shown_a_few_events_each_and_of_more_one_that_covers_all()
    {
        var pending = new PendingEvents(7);
        PendingEvent[] events = [.. Enumerable.Range(0, 400).Select(i => pending.Add(Invalidation.Tag("t" + i)))];
        Assert.True(Covers(pending, "k", "other"));
        Assert.Single(pending.Note());
        foreach (PendingEvent e in events) pending.Seen(e.Source.Number);
        Assert.False(Covers(pending, "k", "t1"));
    }

    [Fact]
    public void While_nothing_is_pending_readers_allocate_nothing()
    {
        var pending = new PendingEvents(7);
        pending.Seen(pending.Add(Invalidation.Key("k")).Source.Number);
        bool covered = pending.CoversKey("k");
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) covered |= pending.CoversKey("k") || pending.Note().Length > 0;
        Assert.Equal((0, false), (GC.GetAllocatedBytesForCurrentThread() - before, covered));
    }
}
