using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Text;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Turns values into entries and back: which form a value is kept in, what it weighs, when it expires.</summary>
internal sealed class EntryFactory(LarderOptions options, CacheClock clock, Serializers serializers, ILogger logger)
{
    /// <summary>What the engine itself needs for an entry: the object, its places in table, queue and wheel.</summary>
    public const int Overhead = 240;
    private const int UnknownInstance = 256;
    private const int BoxHeader = 16;

    private readonly TypeWarnings _unserializable = new(clock);

    public Compressor Compressor { get; } = new(options.Compression);

    /// <summary>
    /// The entry for a value and, where there is a reason, why it must not be stored: the callers that waited for it
    /// are given their value from it all the same.
    /// </summary>
    public (Entry Entry, Reason Unstored) Make<T>(string key, T value, EntryRules rules, long begun)
    {
        EntryOptions own = rules.Own;
        (object form, long bytes, long payload) = Keep(value, own);
        bytes = own.Size ?? bytes;
        Reason unstored =
            own.Refused != Reason.None ? own.Refused
            : TagRules.AreTooMany(own.Tags, options.MaxTags) ? Reason.UnstoredTooManyTags
            : form is Unkept ? Reason.UnstoredUnserializable
            : bytes > options.MaxEntryBytes || payload > own.MaxBytes ? Reason.UnstoredTooLarge
            : Reason.None;
        long now = clock.Now;
        return (Make(key, form, bytes, own, begun, now, TimelineOf(rules, now)), unstored);
    }

    /// <summary>The entry that stands for a failed fill; it is found and invalidated like the value that was not made.</summary>
    public Entry MakeFailure(string key, Exception failure, EntryRules rules)
    {
        long now = clock.Now;
        return Make(
            key, new StoredFailure(ExceptionDispatchInfo.Capture(failure)), StoredFailure.Cost, rules.Own with { Priority = EntryPriority.Normal }, 0,
            now, new(CacheClock.After(now, rules.FailureTtl)));
    }

    private readonly record struct Timeline(long FreshUntil, long DueAt = long.MaxValue, long StaleWhileRevalidate = 0, long StaleIfError = 0)
    {
        public bool IsPlain => DueAt == long.MaxValue && (StaleWhileRevalidate | StaleIfError) == 0;
    }

    private Timeline TimelineOf(EntryRules rules, long now)
    {
        TimeSpan ttl = rules.Ttl;
        bool ends = ttl < TimeSpan.MaxValue;
        if (ends && rules.Jitter is > 0 and var jitter) ttl *= 1 - jitter * options.Chance();
        long freshUntil = CacheClock.After(now, ttl);
        long dueAt = ends && rules.EagerRefresh is { } share ? now + (long)((freshUntil - now) * share) : long.MaxValue;
        return new(freshUntil, dueAt, CacheClock.After(0, rules.StaleWhileRevalidate), CacheClock.After(0, rules.StaleIfError));
    }

    private Entry Make(string key, object form, long bytes, EntryOptions entryOptions, long begun, long now, Timeline timeline)
    {
        int hash = KeyComparer.Hash(key);
        // Never negative, whatever a weigher says: the bound on bytes rests on it.
        long cost = Math.Clamp(bytes, 0, options.MaxEntryBytes) + key.Length * sizeof(char) + Overhead;
        bool isPinned = entryOptions.Priority == EntryPriority.NeverEvict;
        bool isPlain = timeline.IsPlain && begun == 0 && entryOptions.User is null && entryOptions.Tags.Count == 0 && entryOptions.PatternSubject.Equals(Range.All);
        if (isPlain) return new() { Key = key, Hash = hash, Value = form, Cost = cost, CreatedAt = now, FreshUntil = timeline.FreshUntil, IsPinned = isPinned };
        return new DetailedEntry
        {
            Key = key,
            Hash = hash,
            Value = form,
            Cost = cost + LabelsOf(entryOptions.User, entryOptions.Tags),
            CreatedAt = now,
            FreshUntil = timeline.FreshUntil,
            DueAt = timeline.DueAt,
            StaleWhileRevalidate = timeline.StaleWhileRevalidate,
            StaleIfError = timeline.StaleIfError,
            IsPinned = isPinned,
            // Copied: the caller's list may change later, and the entry must still be found under these.
            TagList = [.. entryOptions.Tags],
            UserName = entryOptions.User,
            Name = entryOptions.PatternSubject,
            BegunAs = begun,
        };
    }

    /// <summary>An entry of another process, with what is left of its time.</summary>
    public Entry Restore(in WireEntry stored, object form, ClockAnchor anchor)
    {
        int hash = KeyComparer.Hash(stored.Key);
        // As far as that can be known before it is made, an instance is not larger than its text in UTF-16.
        long cost = Math.Min(22 + stored.Body.Length * (stored.Encoding == CompressionAlgorithm.None ? 2L : 1L), options.MaxEntryBytes) + stored.Key.Length * sizeof(char) + Overhead;
        long createdAt = anchor.StartOf(stored.CreatedAt), freshUntil = anchor.EndOf(stored.CreatedAt, stored.FreshUntil);
        bool isWhole = stored.SubjectStart == 0 && stored.SubjectEnd == stored.Key.Length;
        bool isPlain = isWhole && stored.Tags.Length == 0 && stored.User is null && Math.Max(stored.StaleWhileRevalidateUntil, stored.StaleIfErrorUntil) == stored.FreshUntil;
        if (isPlain) return new() { Key = stored.Key, Hash = hash, Value = form, Cost = cost, CreatedAt = createdAt, FreshUntil = freshUntil };
        return new DetailedEntry
        {
            Key = stored.Key,
            Hash = hash,
            Value = form,
            Cost = cost + LabelsOf(stored.User, stored.Tags),
            CreatedAt = createdAt,
            FreshUntil = freshUntil,
            TagList = stored.Tags,
            UserName = stored.User,
            Name = stored.SubjectStart..stored.SubjectEnd,
            StaleWhileRevalidate = ClockAnchor.Between(stored.FreshUntil, stored.StaleWhileRevalidateUntil),
            StaleIfError = ClockAnchor.Between(stored.FreshUntil, stored.StaleIfErrorUntil),
        };
    }

    /// <summary>What tags and user weigh: each a string of its own at worst.</summary>
    private static long LabelsOf(string? user, IReadOnlyList<string> tags)
    {
        const int PerString = 32;
        long bytes = user is null ? 0 : PerString + user.Length * sizeof(char);
        for (int i = 0; i < tags.Count; i++) bytes += PerString + tags[i].Length * sizeof(char);
        return bytes;
    }

    /// <summary>The value of an entry, if it is a <typeparamref name="T"/>.</summary>
    public bool TryRead<T>(Entry entry, out T value) => TryRead(entry.Value, out value);

    private bool TryRead<T>(object form, out T value)
    {
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
            case T instance when typeof(T) != typeof(object) || instance is not (SerializedValue or LoadedValue or StoredNull or StoredFailure or Unkept):
                value = instance;
                return true;
            case SerializedValue<T> serialized:
                return TryCopy(serialized, out value);
            // A text is whatever a string is, compressed or not.
            case SerializedValue<string> text when default(T) is null && typeof(T).IsAssignableFrom(typeof(string)):
                bool copied = TryCopy(text, out string characters);
                value = (T)(object)characters;
                return copied;
            case LoadedValue loaded when TryForm<T>(loaded) is { } made:
                return TryRead(made, out value);
            case StoredNull when default(T) is null:
                value = default!;
                return true;
            default:
                value = default!;
                return false;
        }
    }

    /// <summary>The instance that a value from outside of this process is shared as; null where it is not.</summary>
    public T? InstanceIn<T>(object form) where T : class => form is LoadedValue loaded && (loaded.IsShared || Immutability<T>.IsImmutable) ? TryForm<T>(loaded) as T : null;

    private object? TryForm<T>(LoadedValue loaded)
    {
        try
        {
            return loaded.FormAs<T>(serializers, Compressor);
        }
        catch (Exception e)
        {
            Log.DeserializationFailed(logger, typeof(T), e);
            return null;
        }
    }

    private bool TryCopy<T>(SerializedValue<T> serialized, out T value)
    {
        try
        {
            value = serialized.Copy(Compressor);
            return true;
        }
        catch (Exception e)
        {
            Log.DeserializationFailed(logger, typeof(T), e);
            value = default!;
            return false;
        }
    }

    /// <returns>The form, what it weighs, and the bytes of the value as it is serialized, before they are compressed; an instance's weight where it is not.</returns>
    private (object Form, long Bytes, long Payload) Keep<T>(T value, EntryOptions entryOptions)
    {
        if (value is null) return (StoredNull.Instance, 0, 0);
        try
        {
            if (Immutability<T>.IsImmutable || entryOptions.ShareInstance)
            {
                string? text = value as string;
                // Counted only where a limit asks for it.
                long utf8 = text is null || entryOptions.MaxBytes == long.MaxValue ? 0 : Encoding.UTF8.GetByteCount(text);
                if (text is not null && !entryOptions.ShareInstance && TryPack(text) is { } packed) return (packed, packed.Payload.Bytes.Length, utf8);
                serializers.Remember<T>();
                long weight = Weigh(value);
                return (value, weight, text is null ? weight : utf8);
            }
            using var buffer = new PooledBuffer();
            IHybridCacheSerializer<T> serializer = serializers.For<T>();
            serializer.Serialize(value, buffer);
            // What is too large is not stored: it need not be made smaller for those who wait for it.
            Payload payload = buffer.Length <= options.MaxEntryBytes ? Compressor.Pack(buffer.Span) : Payload.Raw(buffer.Span);
            return (new SerializedValue<T>(payload, serializer), payload.Bytes.Length, buffer.Length);
        }
        catch (Exception e)
        {
            if (_unserializable.IsDue(typeof(T))) Log.SerializationFailed(logger, typeof(T), e.Message, AdviceFor<T>(e, entryOptions), e);
            return (Unkept.Instance, 0, 0);
        }
    }

    private static string AdviceFor<T>(Exception failure, EntryOptions entryOptions) =>
        Immutability<T>.IsImmutable || entryOptions.ShareInstance ? $"Let {nameof(LarderOptions)}.{nameof(LarderOptions.Weigher)} return a size for every value."
        : failure.Message.Contains(StrictJson.Advice, StringComparison.Ordinal) ? ""
        : StrictJson.Advice;

    /// <summary>A text compressed, where that is wanted and pays: as UTF-8, which is half the size even before.</summary>
    private SerializedValue<string>? TryPack(string text)
    {
        // The threshold is one of bytes, of which a character takes up to three; they are counted only where that decides.
        if (!Compressor.Wants(text.Length * 3L) || text.Length > options.MaxEntryBytes || !TextSerializer.CanKeep(text)) return null;
        if (!Compressor.Wants(text.Length) && !Compressor.Wants(Encoding.UTF8.GetByteCount(text))) return null;
        using var buffer = new PooledBuffer();
        IHybridCacheSerializer<string> serializer = serializers.For<string>();
        serializer.Serialize(text, buffer);
        return buffer.Length <= options.MaxEntryBytes && Compressor.TryPack(buffer.Span, out Payload packed) ? new(packed, serializer) : null;
    }

    private long Weigh<T>(T value) => value switch
    {
        string text => 22 + text.Length * sizeof(char),
        // Its text, and what it makes of it when it is asked.
        Uri uri => 128 + (long)uri.OriginalString.Length * sizeof(char),
        Version => 32,
        _ when !RuntimeHelpers.IsReferenceOrContainsReferences<T>() => BoxHeader + Unsafe.SizeOf<T>(),
        _ => options.Weigher?.Invoke(value!) ?? Math.Max(UnknownInstance, BoxHeader + Unsafe.SizeOf<T>()),
    };
}
