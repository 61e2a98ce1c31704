using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Turns values into entries and back: which form a value is kept in, what it weighs, when it expires.</summary>
internal sealed class EntryFactory(LarderOptions options, CacheClock clock, Serializers serializers, ILogger logger)
{
    /// <summary>What the engine itself needs for an entry: the object, its places in table, queue and wheel.</summary>
    public const int Overhead = 240;
    private const int UnknownInstance = 256;

    /// <summary>
    /// The entry for a value and, where there is a reason, why it must not be stored: the callers that waited for it
    /// are given their value from it all the same.
    /// </summary>
    public (Entry Entry, Reason Unstored) Make<T>(string key, T value, EntryOptions entryOptions, long begun)
    {
        (object form, long bytes) = Keep(value, entryOptions);
        bytes = entryOptions.Size ?? bytes;
        Reason unstored =
            TagRules.AreTooMany(entryOptions.Tags, options.MaxTags) ? Reason.UnstoredTooManyTags
            : form is Unkept ? Reason.UnstoredUnserializable
            : bytes > options.MaxEntryBytes ? Reason.UnstoredTooLarge
            : Reason.None;
        return (Make(key, form, bytes, entryOptions, begun), unstored);
    }

    private Entry Make(string key, object form, long bytes, EntryOptions entryOptions, long begun)
    {
        long now = clock.Now;
        int hash = KeyComparer.Hash(key);
        // Never negative, whatever a weigher says: the bound on bytes rests on it.
        long cost = Math.Clamp(bytes, 0, options.MaxEntryBytes) + key.Length * sizeof(char) + Overhead + LabelsOf(entryOptions);
        long freshUntil = CacheClock.After(now, entryOptions.Ttl ?? options.DefaultTtl);
        bool isPlain = entryOptions.Tags.Count == 0 && entryOptions.User is null && entryOptions.PatternSubject.Equals(Range.All) && begun == 0;
        if (isPlain) return new() { Key = key, Hash = hash, Value = form, Cost = cost, CreatedAt = now, FreshUntil = freshUntil };
        return new DetailedEntry
        {
            Key = key,
            Hash = hash,
            Value = form,
            Cost = cost,
            CreatedAt = now,
            FreshUntil = freshUntil,
            // Copied: the caller's list may change later, and the entry must still be found under these.
            TagList = [.. entryOptions.Tags],
            UserName = entryOptions.User,
            Name = entryOptions.PatternSubject,
            BegunAs = begun,
        };
    }

    /// <summary>What tags and user weigh: each a string of its own at worst.</summary>
    private static long LabelsOf(EntryOptions entryOptions)
    {
        const int PerString = 32;
        long bytes = entryOptions.User is { } user ? PerString + user.Length * sizeof(char) : 0;
        foreach (string tag in entryOptions.Tags) bytes += PerString + tag.Length * sizeof(char);
        return bytes;
    }

    /// <summary>The value of an entry, if it is a <typeparamref name="T"/>.</summary>
    public bool TryRead<T>(Entry entry, out T value)
    {
        object form = entry.Value;
        // By far the most values are of the very type that is asked for: that costs one comparison.
        if (form.GetType() == typeof(T) && typeof(T) != typeof(object))
        {
            value = typeof(T).IsValueType ? (T)form : Unsafe.As<object, T>(ref form);
            return true;
        }
        return TryReadOther(form, out value);
    }

    private bool TryReadOther<T>(object form, out T value)
    {
        switch (form)
        {
            // Everything is an object, the engine's own forms too.
            case T instance when typeof(T) != typeof(object) || instance is not (SerializedValue or StoredNull or Unkept):
                value = instance;
                return true;
            case SerializedValue<T> serialized:
                return TryCopy(serialized, out value);
            case StoredNull when default(T) is null:
                value = default!;
                return true;
            default:
                value = default!;
                return false;
        }
    }

    private bool TryCopy<T>(SerializedValue<T> serialized, out T value)
    {
        try
        {
            value = serialized.Copy();
            return true;
        }
        catch (Exception e)
        {
            Log.DeserializationFailed(logger, typeof(T), e);
            value = default!;
            return false;
        }
    }

    private (object Form, long Bytes) Keep<T>(T value, EntryOptions entryOptions)
    {
        if (value is null) return (StoredNull.Instance, 0);
        try
        {
            if (Immutability<T>.IsImmutable || entryOptions.ShareInstance) return (value, Weigh(value));
            var buffer = new ArrayBufferWriter<byte>();
            var serializer = serializers.For<T>();
            serializer.Serialize(value, buffer);
            return (new SerializedValue<T>(buffer.WrittenSpan.ToArray(), serializer), buffer.WrittenCount);
        }
        catch (Exception e)
        {
            Log.SerializationFailed(logger, typeof(T), e);
            return (Unkept.Instance, 0);
        }
    }

    private long Weigh(object value) => value switch
    {
        string text => 22 + text.Length * sizeof(char),
        ValueType => 32,
        _ => options.Weigher?.Invoke(value) ?? UnknownInstance,
    };
}
