namespace Larder.Tests.Filling;

/// <summary>A source whose answers are the numbers of its calls, unless it is told to do something else.</summary>
internal sealed class Origin
{
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>What a call does; null answers at once.</summary>
    public Func<int, CancellationToken, ValueTask<string?>>? Does { get; set; }

    public ValueTask<string?> Ask(CancellationToken cancellationToken)
    {
        int call = Interlocked.Increment(ref _calls);
        return Does?.Invoke(call, cancellationToken) ?? new($"v{call}");
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
