using Larder.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Tests.Filling;

/// <summary>What flights in the table are told of their keys' events, and what becomes of those that are not there any more.</summary>
[Collection(Alone.Name)]
public sealed class FlightsTests
{
    private readonly Ordinals _ordinals = new();
    private readonly MemoryStore _memory;
    private readonly Flights _flights;

    public FlightsTests()
    {
        _memory = new(100, 1 << 20, _ordinals, new(_ordinals), null);
        _flights = new(_ordinals, NullLogger.Instance);
        _memory.TellTo(_flights);
    }

    /// <summary>A boarding and an event side by side, often: whatever their order, the stamp or the flight itself knows of the event.</summary>
    [Fact]
    [Trait("clause", "I-28")]
    public void An_event_lies_before_the_stamp_or_is_told()
    {
        const int Rounds = 4_000, HeldUp = 64;
        int begun = 0, done = 0, unknown = 0, unknownToOlderStamps = 0;
        long ordinal = 0;
        var writer = new Thread(() =>
        {
            var random = new Random(1);
            for (int round = 1; round <= Rounds; round++)
            {
                Await(ref begun, round);
                // Now a little earlier and now a little later than the boarding.
                for (int delay = random.Next(300); delay > 0; delay--) Volatile.Read(ref begun);
                ordinal = _memory.Invalidate("k").Ordinal;
                Volatile.Write(ref done, round);
            }
        });
        writer.Start();
        for (int round = 1; round <= Rounds; round++)
        {
            // Read here a stamp would be too old: the event may find no flight to tell.
            long early = _ordinals.Last;
            Volatile.Write(ref begun, round);
            if (round % HeldUp == 0) Await(ref done, round);
            Flight<int> led = Lead("k");
            Await(ref done, round);
            if (led.NewestEvent < ordinal && led.Stamp < ordinal) unknown++;
            if (led.NewestEvent < ordinal && early < ordinal) unknownToOlderStamps++;
            _flights.Remove(led);
        }
        writer.Join();
        Assert.Equal(0, unknown);
        Assert.InRange(unknownToOlderStamps, Rounds / HeldUp, Rounds);
        Assert.Equal(0, _flights.UnderWay);

        static void Await(ref int at, int round)
        {
            // Sleeps where spinning did not help: on one core the other thread would get its turn late otherwise, on a loaded one never.
            for (var wait = new SpinWait(); Volatile.Read(ref at) < round;) wait.SpinOnce();
        }
    }

    [Fact]
    [Trait("clause", "I-28")]
    public void A_flight_that_all_have_left_while_it_lands_is_refused_once_another_one_has_its_place()
    {
        Flight<int> landing = Lead("k");
        // Its factory has ended, and before it has stored its value the last caller goes.
        Assert.True(landing.TryEnd());
        _flights.Leave(landing);
        Flight<int> next = Lead("k");
        long ordinal = _memory.Invalidate("k").Ordinal;
        Assert.Equal(ordinal, next.NewestEvent);
        // Nobody told it, and it knows that it was not told.
        Assert.Equal(Reason.UnstoredOvertaken, _memory.TryAdd(MakeEntry("k"), landing.Stamp, landing.Watch));
        // While it has its place it is stored.
        Flight<int> undisturbed = Lead("other");
        Assert.True(undisturbed.TryEnd());
        _flights.Leave(undisturbed);
        Assert.Equal(Reason.None, _memory.TryAdd(MakeEntry("other"), undisturbed.Stamp, undisturbed.Watch));
    }

    [Fact]
    [Trait("clause", "I-28")]
    public void An_overtaken_flight_gives_its_place_away_and_remembers_why()
    {
        Flight<int> overtaken = Lead("k");
        _memory.Set(MakeEntry("k"));
        Assert.False(overtaken.Stamp >= overtaken.NewestEvent);
        Assert.True(_flights.IsFree("k"));
        Flight<int> next = Lead("k");
        Assert.Equal(Reason.UnstoredOvertaken, _memory.TryAdd(MakeEntry("k"), overtaken.Stamp, overtaken.Watch));
        // Its removal from the table, late, takes nobody else out.
        _flights.Remove(overtaken);
        Assert.False(_flights.IsFree("k"));
        Assert.Equal(Reason.None, _memory.TryAdd(MakeEntry("k"), next.Stamp, next.Watch));
        Assert.Equal(1, _flights.UnderWay);
    }

    [Fact]
    [Trait("clause", "I-20")]
    public void A_flight_that_nobody_tells_goes_by_the_mark()
    {
        Flight<int> alone = _flights.Alone<int>("k", _flights.NewRun(false));
        Assert.Null(alone.Watch);
        _memory.Invalidate("k");
        Assert.Equal(Reason.UnstoredOvertaken, _memory.TryAdd(MakeEntry("k"), alone.Stamp, alone.Watch));
    }

    /// <summary>Against a model that knows everything: stored if and only if nothing happened to the key since the flight began.</summary>
    [Fact]
    [Trait("clause", "I-28")]
    public void A_flight_is_refused_if_and_only_if_its_own_key_had_an_event()
    {
        int stored = 0, refused = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var begun = new Dictionary<string, (Flight<int> Flight, bool IsOvertaken)>();
            for (int step = 0; step < 200; step++)
            {
                string key = "k" + random.Next(6);
                bool isUnderWay = begun.TryGetValue(key, out (Flight<int> Flight, bool IsOvertaken) of);
                switch (random.Next(5))
                {
                    case 0 when !isUnderWay:
                        begun[key] = (Lead(key), false);
                        break;
                    case 1 when isUnderWay:
                        bool adds = _memory.TryAdd(MakeEntry(key), of.Flight.Stamp, of.Flight.Watch) == Reason.None;
                        Assert.True(adds != of.IsOvertaken, $"seed {seed}, step {step}");
                        _ = adds ? stored++ : refused++;
                        _flights.Remove(of.Flight);
                        begun.Remove(key);
                        break;
                    case 2 or 3 when random.Next(3) == 0:
                        if (random.Next(2) == 0) _memory.Invalidate(key);
                        else if (random.Next(2) == 0) _memory.Soften(key, 0);
                        else _memory.Set(MakeEntry(key));
                        if (isUnderWay) begun[key] = (of.Flight, true);
                        break;
                }
            }
            foreach ((Flight<int> flight, _) in begun.Values) _flights.Remove(flight);
            Assert.Equal(0, _flights.UnderWay);
        }
        Assert.True(stored > 1_000 && refused > 1_000, $"{stored} stored, {refused} refused");
    }

    private Flight<int> Lead(string key)
    {
        Assert.True(_flights.TryBoard(key, null, false, out Flight<int>? flight, out bool leads) && leads);
        return flight;
    }

    private static Entry MakeEntry(string key) => new() { Key = key, Hash = KeyComparer.Hash(key), Value = "v", Cost = 100, CreatedAt = 0, FreshUntil = 1000 };
}
