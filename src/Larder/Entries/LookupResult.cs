using System.Diagnostics.CodeAnalysis;

namespace Larder;

/// <summary>Where a value came from.</summary>
public enum ValueSource : byte
{
    /// <summary>There is no value.</summary>
    None,
    /// <summary>This process's memory.</summary>
    Memory,
    /// <summary>Redis.</summary>
    Redis,
    /// <summary>The factory: this caller's, or that of the caller it waited for.</summary>
    Factory,
}

/// <summary>What a lookup found, and why not where it found nothing.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct LookupResult<T>
{
    // Of the state: the reason in the lowest byte.
    private const int FoundFlag = 1 << 8;
    private const int UnstoredShift = 16;

    // Four fields: that many the compiler keeps apart in registers, while a larger struct is copied through memory in
    // blocks right after it was written in parts, which costs as much as the lookup's hash.
    // Time spans are made when somebody asks: most hits are not asked.
    private readonly long _ageMs;
    private readonly long _remainingMs;
    private readonly int _state;

    internal LookupResult(Reason reason) => _state = (int)reason;

    /// <param name="ageMs">Milliseconds since it was stored.</param>
    /// <param name="remainingMs">Milliseconds left; <see cref="long.MaxValue"/> for ever.</param>
    internal LookupResult(T value, Reason reason, long ageMs, long remainingMs)
    {
        Value = value;
        _state = (int)reason | FoundFlag;
        _ageMs = ageMs;
        _remainingMs = remainingMs;
    }

    /// <summary>The value; the type's default when nothing was found.</summary>
    public T? Value { get; }

    /// <summary>Whether there is a value; it may be null, where null was stored.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Found => (_state & FoundFlag) != 0;

    /// <summary>Why it was found or not.</summary>
    public Reason Reason => (Reason)(byte)_state;

    /// <summary>Why a value that was made is not kept; <see cref="Reason.None"/> where it is, or where none was made.</summary>
    public Reason Unstored
    {
        get => (Reason)(byte)(_state >> UnstoredShift);
        internal init => _state = _state & (FoundFlag | byte.MaxValue) | (int)value << UnstoredShift;
    }

    /// <summary>Time since the value was stored.</summary>
    public TimeSpan Age => new(_ageMs * TimeSpan.TicksPerMillisecond);

    /// <summary>Time until the value is no longer fresh; zero when it is stale.</summary>
    public TimeSpan Remaining => _remainingMs == long.MaxValue ? TimeSpan.MaxValue : new(_remainingMs * TimeSpan.TicksPerMillisecond);

    /// <summary>Whether the value's freshness is over: it was served within one of its windows.</summary>
    public bool IsStale => Reason is Reason.Stale or Reason.StaleError;

    /// <summary>Where the value came from.</summary>
    public ValueSource Source => !Found ? ValueSource.None : Reason switch
    {
        Reason.HitMemory or Reason.Stale or Reason.StaleError => ValueSource.Memory,
        Reason.HitRedis => ValueSource.Redis,
        _ => ValueSource.Factory,
    };
}

/// <summary>What is done with results of any type.</summary>
internal static class LookupResult
{
    /// <summary>The value alone, of a call that always has one.</summary>
    public static ValueTask<T> ValueOf<T>(ValueTask<LookupResult<T>> result)
    {
        return result.IsCompletedSuccessfully ? new(result.Result.Value!) : WaitAsync(result);

        static async ValueTask<T> WaitAsync(ValueTask<LookupResult<T>> result) => (await result.ConfigureAwait(false)).Value!;
    }
}
