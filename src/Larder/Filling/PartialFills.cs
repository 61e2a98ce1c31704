namespace Larder;

/// <summary>What a call leaves out of its way through the cache.</summary>
[Flags]
internal enum EntryAccess : byte
{
    /// <summary>Nothing: it looks, makes and stores.</summary>
    Whole = 0,
    /// <summary>It does not look into memory, and nothing that is there stands in.</summary>
    NoRead = 1,
    /// <summary>It does not store in memory.</summary>
    NoWrite = 2,
    /// <summary>It does not look into Redis.</summary>
    NoRemoteRead = 4,
    /// <summary>It does not store in Redis.</summary>
    NoRemoteWrite = 8,
    /// <summary>It leaves out all of it: the value is made for whoever asks at the time.</summary>
    None = NoRead | NoWrite | NoRemoteRead | NoRemoteWrite,
}

/// <summary>
/// Fills that do not look or do not store somewhere. Those that leave out the same share their flights, and no others: whoever
/// asks for a value made anew must not be given one that was looked up.
/// </summary>
/// <remarks>A stage is made when it is first asked for, under <see cref="_making"/>, and is told of events from before its first flight: few programs need any but the whole one.</remarks>
/// <param name="whole">The stage of calls that leave nothing out: the cache's own.</param>
/// <param name="isRemote">Whether there is the Redis tier; without it nothing of that is there to be left out.</param>
/// <param name="partial">Makes the others.</param>
internal sealed class PartialFills(FillStage whole, bool isRemote, Func<EntryAccess, FillStage> partial)
{
    private readonly FillStage?[] _stages = [whole, .. new FillStage?[(int)EntryAccess.None]];
    private readonly Lock _making = new();

    public FillStage this[EntryAccess access]
    {
        get
        {
            if (!isRemote) access &= EntryAccess.NoRead | EntryAccess.NoWrite;
            return Volatile.Read(ref _stages[(int)access]) ?? Make(access);
        }
    }

    /// <summary>The flights under way, whole ones too.</summary>
    public int UnderWay => _stages.Sum(stage => stage?.Flights.UnderWay ?? 0);

    private FillStage Make(EntryAccess access)
    {
        lock (_making)
        {
            ref FillStage? stage = ref _stages[(int)access];
            if (stage is null) Volatile.Write(ref stage, partial(access));
            return stage!;
        }
    }

    /// <param name="seen">What was found under the key and is no plain hit, where the call looks.</param>
    public ValueTask<LookupResult<T>> RunAsync<TFactory, T>(FillCall<TFactory, T> call, EntryAccess access, Entry? seen, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        this[access].Filler.GetOrCreateAsync(call, seen, cancellationToken);

    /// <summary>Makes a value for this caller alone, looks nothing up for it and stores it.</summary>
    public ValueTask<LookupResult<T>> AloneAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        this[EntryAccess.NoRead | EntryAccess.NoRemoteRead].Filler.AloneAsync(call, cancellationToken);

    /// <summary>Runs the factory for a key that is too long to be cached: within the limits of any run, and once for all who wait.</summary>
    public async ValueTask<LookupResult<T>> BypassAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T>
    {
        LookupResult<T> made = await RunAsync(call, EntryAccess.None, null, cancellationToken).ConfigureAwait(false);
        return new(made.Value!, made.Reason, 0, 0) { Unstored = call.Missed };
    }
}
