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
internal sealed class PartialFills(Func<EntryAccess, FillStage> stages)
{
    private readonly FillStage[] _stages = [.. Enumerable.Range(0, 4).Select(access => stages((EntryAccess)access))];

    public ValueTask<LookupResult<T>> RunAsync<TFactory, T>(FillCall<TFactory, T> call, EntryAccess access, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        _stages[(int)access].Filler.GetOrCreateAsync(call, null, cancellationToken);
}
