using System.Diagnostics.CodeAnalysis;

namespace Larder;

/// <summary>What a lookup found, and why not where it found nothing.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct LookupResult<T>
{
    private const int FoundFlag = 1 << 8;

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

    /// <summary>Time since the value was stored.</summary>
    public TimeSpan Age => new(_ageMs * TimeSpan.TicksPerMillisecond);

    /// <summary>Time until the value expires.</summary>
    public TimeSpan Remaining => _remainingMs == long.MaxValue ? TimeSpan.MaxValue : new(_remainingMs * TimeSpan.TicksPerMillisecond);
}
