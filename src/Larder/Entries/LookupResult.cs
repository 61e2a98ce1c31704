using System.Diagnostics.CodeAnalysis;

namespace Larder;

/// <summary>What a lookup found, and why not where it found nothing.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct LookupResult<T>
{
    internal LookupResult(Reason reason) => Reason = reason;

    internal LookupResult(T value, Reason reason, TimeSpan age, TimeSpan remaining)
    {
        Value = value;
        Found = true;
        Reason = reason;
        Age = age;
        Remaining = remaining;
    }

    /// <summary>The value; the type's default when nothing was found.</summary>
    public T? Value { get; }

    /// <summary>Whether there is a value; it may be null, where null was stored.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Found { get; }

    /// <summary>Why it was found or not.</summary>
    public Reason Reason { get; }

    /// <summary>Time since the value was stored.</summary>
    public TimeSpan Age { get; }

    /// <summary>Time until the value expires.</summary>
    public TimeSpan Remaining { get; }
}
