namespace Larder.Tests.Remote;

public sealed class SeenTrackerTests
{
    private const ulong Epoch = 77;

    /// <summary>A log as the script that appends makes it, of which a part was there when the node began.</summary>
    private sealed class ModelLog
    {
        private long _last, _groups, _keys;

        public List<RemoteEvent> Events { get; } = [];

        public RemoteState State => new(Epoch, _last, _groups, _keys);

        public void Append(RemoteStream stream)
        {
            Events.Add(new(stream, new(Epoch, ++_last), _groups, _keys, default, 0, Invalidation.All));
            if (stream == RemoteStream.Groups) _groups = _last;
            else _keys = _last;
        }

        public static (ModelLog Log, RemoteState Begin) Make(Random random)
        {
            var log = new ModelLog();
            int before = random.Next(12), after = random.Next(1, 40);
            for (int i = 0; i < before; i++) log.Append((RemoteStream)random.Next(2));
            RemoteState begin = log.State;
            for (int i = 0; i < after; i++) log.Append((RemoteStream)random.Next(2));
            return (log, begin);
        }

        public List<RemoteEvent> Of(RemoteStream stream, long after) => [.. Events.Where(e => e.Stream == stream && e.Place.Ordinal > after)];
    }

    /// <summary>Reads the streams in replies that are cut anywhere, and overlap as after a new connection.</summary>
    private static void ReadInPieces(SeenTracker tracker, List<RemoteEvent>[] streams, Random random, Action check)
    {
        int[] at = [0, 0];
        while (at[0] < streams[0].Count || at[1] < streams[1].Count)
        {
            int stream = random.Next(2), from = Math.Max(0, at[stream] - random.Next(3));
            int to = Math.Min(streams[stream].Count, at[stream] + random.Next(1, 8));
            tracker.Read((RemoteStream)stream, streams[stream][from..to]);
            at[stream] = to;
            check();
        }
    }

    [Fact]
    [Trait("clause", "R-5")]
    public void However_the_streams_are_cut_events_are_applied_in_order_and_none_is_left_out()
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            (ModelLog log, RemoteState begin) = ModelLog.Make(random);
            List<(long Ordinal, bool IsReplay)> applied = [];
            SeenTracker tracker = null!;
            tracker = new(begin, (e, isReplay) =>
            {
                Assert.True(tracker.SeenUpTo < e.Place.Ordinal, "seen before it was applied");
                applied.Add((e.Place.Ordinal, isReplay));
            });
            ReadInPieces(tracker, [log.Of(RemoteStream.Groups, 0), log.Of(RemoteStream.Keys, begin.Keys)], random, () =>
            {
                long seen = tracker.SeenUpTo;
                Assert.All(log.Events, e => Assert.True(e.Place.Ordinal > seen || e.Stream == RemoteStream.Keys && e.Place.Ordinal <= begin.Keys || applied.Contains((e.Place.Ordinal, e.Place.Ordinal <= begin.Last))));
            });
            tracker.Read(RemoteStream.Groups, []);
            Assert.Equal((SeenOutcome.Followed, true, log.State.Last, 0), (tracker.Outcome, tracker.HasBegun, tracker.SeenUpTo, tracker.Floor));
            Assert.Equal(log.Events.Where(e => e.Stream == RemoteStream.Groups || e.Place.Ordinal > begin.Keys).Select(e => (e.Place.Ordinal, e.Place.Ordinal <= begin.Last)), applied);
        }
    }

    [Fact]
    [Trait("clause", "R-5")]
    public void A_lost_event_is_a_gap_before_anything_newer_counts_as_seen()
    {
        int gaps = 0, unnoticed = 0;
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            (ModelLog log, RemoteState begin) = ModelLog.Make(random);
            List<RemoteEvent>[] streams = [log.Of(RemoteStream.Groups, 0), log.Of(RemoteStream.Keys, begin.Keys)];
            List<RemoteEvent> from = streams[random.Next(2)];
            if (from.Count == 0) continue;
            RemoteEvent lost = from[random.Next(from.Count)];
            from.Remove(lost);
            var tracker = new SeenTracker(begin, (e, _) => Assert.NotSame(lost, e));
            long last = streams.SelectMany(s => s).Select(e => e.Place.Ordinal).DefaultIfEmpty().Max();
            ReadInPieces(tracker, streams, random, () =>
            {
                // What was trimmed before the node began is below its floor, which is no gap.
                Assert.True(tracker.SeenUpTo < lost.Place.Ordinal || tracker.Floor >= lost.Place.Ordinal && lost.Place.Ordinal <= begin.Last, $"seed {seed}");
            });
            if (tracker.Outcome == SeenOutcome.Gap) gaps++;
            // Nothing after it: whoever reads would have been told by the state, and be behind.
            else unnoticed++;
        }
        Assert.True(gaps > 1000 && gaps > unnoticed / 4, $"{gaps} gaps, {unnoticed}");
    }

    [Fact]
    [Trait("clause", "R-5")]
    public void An_event_of_another_epoch_ends_it()
    {
        var log = new ModelLog();
        log.Append(RemoteStream.Groups);
        log.Append(RemoteStream.Keys);
        int applied = 0;
        var tracker = new SeenTracker(new(Epoch, 0, 0, 0), (_, _) => applied++);
        Assert.Equal(SeenOutcome.OtherEpoch, tracker.Read(RemoteStream.Groups, [log.Events[0], log.Events[0] with { Place = new(78, 9) }]));
        Assert.Equal((1, 1), (applied, tracker.SeenUpTo));
        Assert.Equal(SeenOutcome.OtherEpoch, tracker.Read(RemoteStream.Keys, [log.Events[1]]));
        Assert.Equal(1, applied);
    }

    [Fact]
    [Trait("clause", "R-7")]
    public void What_was_trimmed_before_lies_below_the_floor_and_what_is_trimmed_meanwhile_is_a_gap()
    {
        var log = new ModelLog();
        for (int i = 0; i < 6; i++) log.Append(RemoteStream.Groups);
        var tracker = new SeenTracker(log.State, (_, _) => { });
        Assert.Equal(SeenOutcome.Followed, tracker.Read(RemoteStream.Groups, log.Events[3..]));
        Assert.Equal((true, 3, 6), (tracker.HasBegun, tracker.Floor, tracker.SeenUpTo));

        RemoteState begin = log.State;
        log.Append(RemoteStream.Groups);
        log.Append(RemoteStream.Groups);
        var late = new SeenTracker(begin, (_, _) => Assert.Fail("applied"));
        Assert.Equal(SeenOutcome.Gap, late.Read(RemoteStream.Groups, log.Events[7..]));
        Assert.Equal((false, 0), (late.HasBegun, late.SeenUpTo));
    }

    [Fact]
    public void A_stream_that_runs_ahead_is_not_read_without_end()
    {
        var tracker = new SeenTracker(new(Epoch, 0, 0, 0), (_, _) => Assert.Fail("its predecessor is not there"));
        for (long i = 0; tracker.Wants(RemoteStream.Groups); i++)
        {
            Assert.True(i < 100_000);
            tracker.Read(RemoteStream.Groups, [new(RemoteStream.Groups, new(Epoch, i + 2), i == 0 ? 0 : i + 1, 1, default, 0, Invalidation.All)]);
        }
        Assert.True(tracker.Wants(RemoteStream.Keys));
    }
}
