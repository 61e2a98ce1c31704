using System.Diagnostics.CodeAnalysis;

namespace Larder;

/// <summary>What a lookup found, and why not where it found nothing.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct LookupResult<T>
{
    // Time spans are made when somebody asks: most hits are not asked.
    private readonly long _ageMs;
    private readonly long _remainingMs;

    internal LookupResult(Reason reason) => Reason = reason;

    /// <param name="ageMs">Milliseconds since it was stored.</param>
    /// <param name="remainingMs">Milliseconds left; <see cref="long.MaxValue"/> for ever.</param>
    internal LookupResult(T value, Reason reason, long ageMs, long remainingMs)
    {
        Value = value;
        Found = true;
        Reason = reason;
        _ageMs = ageMs;
        _remainingMs = remainingMs;
    }

    /// <summary>The value; the type's default when nothing was found.</summary>
    public T? Value { get; }

    /// <summary>Whether there is a value; it may be null, where null was stored.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Found { get; }

    /// <summary>Why it was found or not.</summary>
    public Reason Reason { get; }

    /// <summary>Time since the value was stored.</summary>
    public TimeSpan Age => new(_ageMs * TimeSpan.TicksPerMillisecond);

    /// <summary>Time until the value expires.</summary>
    public TimeSpan Remaining => _remainingMs == long.MaxValue ? TimeSpan.MaxValue : new(_remainingMs * TimeSpan.TicksPerMillisecond);
}
