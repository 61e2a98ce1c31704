namespace Larder;

/// <summary>What a call leaves out of its way through the cache.</summary>
[Flags]
internal enum EntryAccess : byte
{
    /// <summary>Nothing: it looks, makes and stores.</summary>
    Whole = 0,
    /// <summary>It does not look: the value is made anew, and nothing that is stored stands in.</summary>
    NoRead = 1,
    /// <summary>It does not store.</summary>
    NoWrite = 2,
}

/// <summary>
/// Fills that do not look or do not store. Those that leave out the same share their flights, and no others: whoever
/// asks for a value made anew must not be given one that was looked up.
/// </summary>
/// <param name="whole">The stage of calls that leave nothing out: the cache's own.</param>
/// <param name="partial">Makes the others.</param>
internal sealed class PartialFills(FillStage whole, Func<EntryAccess, FillStage> partial)
{
    private readonly FillStage[] _stages = [whole, .. Enumerable.Range(1, 3).Select(access => partial((EntryAccess)access))];

    public FillStage this[EntryAccess access] => _stages[(int)access];

    /// <summary>The flights under way, whole ones too.</summary>
    public int UnderWay => _stages.Sum(stage => stage.Flights.UnderWay);

    /// <param name="seen">What was found under the key and is no plain hit, where the call looks.</param>
    public ValueTask<LookupResult<T>> RunAsync<TFactory, T>(FillCall<TFactory, T> call, EntryAccess access, Entry? seen, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        this[access].Filler.GetOrCreateAsync(call, seen, cancellationToken);

    /// <summary>Makes a value for this caller alone, looks nothing up for it and stores it.</summary>
    public ValueTask<LookupResult<T>> AloneAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        this[EntryAccess.NoRead].Filler.AloneAsync(call, cancellationToken);

    /// <summary>Runs the factory for a key that is too long to be cached: within the limits of any run, and once for all who wait.</summary>
    public async ValueTask<LookupResult<T>> BypassAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T>
    {
        LookupResult<T> made = await RunAsync(call, EntryAccess.NoRead | EntryAccess.NoWrite, null, cancellationToken).ConfigureAwait(false);
        return new(made.Value!, made.Reason, 0, 0) { Unstored = call.Missed };
    }
}
