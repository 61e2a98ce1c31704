using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Turns values into entries and back: which form a value is kept in, what it weighs, when it expires.</summary>
internal sealed class EntryFactory(LarderOptions options, CacheClock clock, Serializers serializers, ILogger logger)
{
    /// <summary>What the engine itself needs for an entry: the object, its places in table, queue and wheel.</summary>
    public const int Overhead = 240;
    private const int UnknownInstance = 256;

    /// <summary>The entry for a value, or why it can't be stored.</summary>
    public (Entry? Entry, Reason Unstored) Make<T>(string key, T value, EntryOptions entryOptions, long stamp)
    {
        if (entryOptions.Tags.Count > options.MaxTags) return (null, Reason.UnstoredTooManyTags);
        (object? form, long bytes) = Keep(value, entryOptions);
        bytes = entryOptions.Size ?? bytes;
        if (form is null || bytes > options.MaxEntryBytes) return (null, Reason.UnstoredTooLarge);
        long now = clock.Now;
        var entry = new Entry
        {
            Key = key,
            Hash = KeyComparer.Hash(key),
            Value = form,
            Cost = bytes + key.Length * sizeof(char) + Overhead,
            CreatedAt = now,
            ExpiresAt = CacheClock.After(now, entryOptions.Ttl ?? options.DefaultTtl),
            Tags = entryOptions.Tags as string[] ?? [.. entryOptions.Tags],
            User = entryOptions.User,
            Name = entryOptions.PatternSubject,
        };
        entry.StampWith(stamp);
        return (entry, Reason.None);
    }

    /// <summary>The value of an entry, if it is a <typeparamref name="T"/>.</summary>
    public bool TryRead<T>(Entry entry, out T value)
    {
        switch (entry.Value)
        {
            case T instance:
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

    private (object? Form, long Bytes) Keep<T>(T value, EntryOptions entryOptions)
    {
        if (value is null) return (StoredNull.Instance, 0);
        if (Immutability<T>.IsImmutable || entryOptions.ShareInstance) return (value, Weigh(value));
        try
        {
            var buffer = new ArrayBufferWriter<byte>();
            var serializer = serializers.For<T>();
            serializer.Serialize(value, buffer);
            return (new SerializedValue<T>(buffer.WrittenSpan.ToArray(), serializer), buffer.WrittenCount);
        }
        catch (Exception e)
        {
            Log.SerializationFailed(logger, typeof(T), e);
            return (null, 0);
        }
    }

    private long Weigh(object value) => value switch
    {
        string text => 22 + text.Length * sizeof(char),
        ValueType => 32,
        _ => options.Weigher?.Invoke(value) ?? UnknownInstance,
    };
}
