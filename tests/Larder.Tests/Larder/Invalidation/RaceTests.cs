extern alias scheduled;
extern alias unstamped;

using Larder.Tests.Support;
using RaceResult = scheduled::Larder.Tests.Races.RaceResult;
using Scheduled = scheduled::Larder.Tests.Races.Race;
using Unstamped = unstamped::Larder.Tests.Races.Race;

namespace Larder.Tests.Invalidations;

/// <summary>
/// Invalidations of every kind against fills, in a million orders of steps: with the engine's own code, which must never
/// hand out what is older than an acknowledged invalidation, and with the same code without the check of stamps, which
/// the same trials must convict.
/// </summary>
[Collection(Alone.Name)]
public sealed class RaceTests
{
    private const int Million = 1_000_000 / Scheduled.TrialsPerBatch;

    [Fact]
    [Trait("clause", "I-3"), Trait("clause", "I-4"), Trait("clause", "I-11"), Trait("clause", "I-12"), Trait("clause", "I-14"), Trait("clause", "I-15"), Trait("clause", "I-16"), Trait("clause", "I-18"), Trait("clause", "I-28")]
    public void A_million_races_show_nothing_stale()
    {
        RaceResult result = Scheduled.RunBatches(0, Million);
        Assert.Equal(1_000_000, result.Trials);
        Assert.True(result.Stale == 0, $"{result.Stale} stale reads; {result.First}");
        // There were races, callers that shared a flight, and stale values.
        Assert.True(result is { Overtaken: > 50_000, Coalesced: > 50_000, Served: > 50_000 }, result.ToString());
    }

    [Fact]
    public void Without_the_check_of_stamps_the_same_races_show_stale_reads()
    {
        Assert.True(Unstamped.RunBatches(0, 5).Stale > 10);
    }

    [Fact]
    [Trait("clause", "I-28")]
    public void Where_flights_are_not_told_of_events_the_same_races_show_stale_reads()
    {
        Assert.True(Scheduled.RunBatches(0, 5, tellsNobody: true).Stale > 10);
    }

    [Fact]
    public void A_seed_gives_the_same_steps_again()
    {
        Assert.Equal(Scheduled.RunBatch(7), Scheduled.RunBatch(7));
        Assert.Equal(Unstamped.RunBatch(7), Unstamped.RunBatch(7));
        Assert.NotEqual(Scheduled.RunBatch(7), Scheduled.RunBatch(8));
    }
}
