namespace Larder;

/// <summary>
/// What a factory may know and decide while it makes a value: how the value will be kept, whether at all, and what is
/// stored already.
/// </summary>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed class FillContext<T>
{
    private EntryOptions _options;

    internal FillContext(string key, EntryOptions options, LookupResult<T> stored)
    {
        Key = key;
        _options = options;
        Stored = stored;
    }

    /// <summary>The key whose value is made.</summary>
    public string Key { get; }

    /// <summary>
    /// What is stored under the key, stale within one of its windows, or still fresh in an eager refresh. Not found where
    /// nothing is, or where it was invalidated.
    /// </summary>
    public LookupResult<T> Stored { get; }

    /// <summary>
    /// How the value will be kept; the call's options at first. Change them by <c>context.Options = context.Options with
    /// { Ttl = … }</c>. Timeouts and what follows a failure are settled when the factory starts.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public EntryOptions Options
    {
        get => _options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            EntryRules.Check(value);
            _options = value;
        }
    }

    internal bool IsDeclined { get; private set; }

    internal bool IsConfirmed { get; private set; }

    /// <summary>Adds tags to those of the call.</summary>
    /// <exception cref="ArgumentException">A tag is not allowed.</exception>
    public void AddTags(params IEnumerable<string> tags) => Options = _options with { Tags = [.. _options.Tags, .. tags] };

    /// <summary>Hands the value out without storing it; what is stored stays.</summary>
    public void DoNotStore() => IsDeclined = true;

    /// <summary>
    /// What a factory returns when its source says that what is stored still holds: the stored value, whose lifetime begins anew.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing is stored.</exception>
    public T NotModified()
    {
        if (!Stored.Found) throw new InvalidOperationException($"Nothing is stored that could be confirmed; ask {nameof(Stored)}.{nameof(Stored.Found)} first.");
        IsConfirmed = true;
        return Stored.Value;
    }
}
