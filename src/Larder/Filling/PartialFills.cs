namespace Larder;

/// <summary>What a call leaves out of its way through the cache.</summary>
[Flags]
internal enum EntryAccess : byte
{
    /// <summary>Nothing: it looks, makes and stores.</summary>
    Whole = 0,
    /// <summary>It does not look: the value is made anew.</summary>
    NoRead = 1,
    /// <summary>It does not store.</summary>
    NoWrite = 2,
}

/// <summary>
/// Fills that do not look or do not store. Those that leave out the same share their flights, and no others: whoever
/// asks for a value made anew must not be given one that was looked up.
/// </summary>
internal sealed class PartialFills(Ordinals ordinals, MemoryStore memory, EntryFactory entries, ReasonCounters reasons)
{
    private readonly Filler[] _fillers = [.. Enumerable.Range(0, 4).Select(_ => new Filler(ordinals, memory, entries))];

    public async ValueTask<T> RunAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, EntryOptions options, EntryAccess access, Reason missed, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool writes = (access & EntryAccess.NoWrite) == 0;
        try
        {
            (T value, bool coalesced) = await _fillers[(int)access].RunAsync(key, (memory, entries, key, state, factory, options, writes), static async (call, stamp, token) =>
            {
                T made = await call.factory(call.state, token).ConfigureAwait(false);
                (Entry entry, Reason unstored) = call.entries.Make(call.key, made, call.options, 0);
                if (call.writes && unstored == Reason.None) call.memory.TryAdd(entry, stamp);
                return new Filled<T>(made, entry, stamp);
            }, cancellationToken).ConfigureAwait(false);
            reasons.Count(coalesced ? Reason.Coalesced : missed);
            return value;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            reasons.Count(Reason.ErrorFactory);
            throw;
        }
    }
}
