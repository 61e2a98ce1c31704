namespace Larder.Tests.Filling;

/// <summary>A source behind the cache that counts its calls, and answers each with its number unless told otherwise.</summary>
internal sealed class Origin
{
    private int _begun;
    private int _calls;

    /// <summary>How many calls have done what they do before their first wait: who sees a call sees what it left behind, too.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>What a call does; null answers at once.</summary>
    public Func<int, CancellationToken, ValueTask<string?>>? Does { get; set; }

    public ValueTask<string?> Ask(CancellationToken cancellationToken)
    {
        int call = Interlocked.Increment(ref _begun);
        try
        {
            return Does?.Invoke(call, cancellationToken) ?? new($"v{call}");
        }
        finally
        {
            Interlocked.Increment(ref _calls);
        }
    }

    public void Breaks() => Does = static (call, _) => throw new FormatException($"broken at {call}");

    public void Heals() => Does = null;

    /// <summary>Calls wait until the returned source is told what they answer; they do not look at their token.</summary>
    public TaskCompletionSource<string?> Hangs()
    {
        var gate = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Does = (_, _) => new(gate.Task);
        return gate;
    }
}
