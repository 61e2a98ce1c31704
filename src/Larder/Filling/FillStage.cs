using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Puts together what answers calls that are no plain hit; what leaves out the same has its flights in common.</summary>
internal sealed class FillStage
{
    public FillStage(
        EntryAccess access, CacheClock clock, TimeProvider time, Ordinals ordinals, MemoryStore memory, InvalidationIndex index, EntryFactory entries,
        Refreshes refreshes, RemoteTier? tier, Func<double> chance, ReasonCounters reasons, CacheEvents events, ILogger logger, string cacheName)
    {
        var flights = new Flights(ordinals, logger);
        memory.TellTo(flights);
        bool reads = (access & EntryAccess.NoRead) == 0, writes = (access & EntryAccess.NoWrite) == 0;
        bool asks = (access & EntryAccess.NoRemoteRead) == 0, sends = (access & EntryAccess.NoRemoteWrite) == 0;
        Lookups = new(reads, clock, memory, index, entries, reasons, events);
        if (tier is not null && (asks || sends)) Remote = new(tier, access, clock, ordinals, memory, index, entries, flights, events, new(tier.Reads, time, chance));
        Storer = new(writes, clock, memory, index, entries, events, logger, Remote);
        var runner = new FactoryRunner(time, memory, flights, refreshes, Lookups, Storer, Remote, reasons, events, logger, cacheName);
        var waiter = new FlightWaiter(time, flights, runner, Lookups, reasons);
        Filler = new(clock, ordinals, memory, entries, flights, runner, waiter, Lookups, reasons, events);
        Batches = new(time, ordinals, memory, index, flights, new(memory, flights, refreshes, runner, Remote, events, logger, cacheName), Filler, waiter, Lookups, reasons);
        Flights = flights;
    }

    public Flights Flights { get; }

    /// <summary>What asks Redis; null without the Redis tier, and where calls neither look nor store there.</summary>
    public RemoteFills? Remote { get; }

    public Lookups Lookups { get; }

    public Storer Storer { get; }

    public Filler Filler { get; }

    public BatchFiller Batches { get; }
}
