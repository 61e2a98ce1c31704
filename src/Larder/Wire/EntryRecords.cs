using System.Text;
using System.Text.Unicode;

namespace Larder;

/// <summary>Between entries in memory and their stored form: for snapshots, and for whatever else keeps entries outside of the process.</summary>
internal sealed class EntryRecords(EntryFactory entries, Serializers serializers)
{
    /// <summary>Describes an entry; null where its value can't be written.</summary>
    /// <param name="stamp">The position up to which the entry is known to be current.</param>
    /// <param name="body">Empty; holds the body where it had to be made.</param>
    public WireEntry? Describe(Entry entry, Position stamp, ClockAnchor anchor, PooledBuffer body)
    {
        if (BodyOf(entry.Value, entry.CreatedAt, body) is not { } value) return null;
        var detailed = entry as DetailedEntry;
        (int start, int length) = (detailed?.Name ?? Range.All).GetOffsetAndLength(entry.Key.Length);
        long freshUntil = entry.FreshUntil;
        return new()
        {
            Stamp = stamp,
            // A wall clock that stands near 1970 would put older entries before it.
            CreatedAt = Math.Max(0, anchor.ToWall(entry.CreatedAt)),
            FreshUntil = Math.Max(0, anchor.ToWall(freshUntil)),
            StaleWhileRevalidateUntil = Math.Max(0, anchor.ToWall(CacheClock.After(freshUntil, detailed?.StaleWhileRevalidate ?? 0))),
            StaleIfErrorUntil = Math.Max(0, anchor.ToWall(CacheClock.After(freshUntil, detailed?.StaleIfError ?? 0))),
            Key = entry.Key,
            Type = value.Type,
            User = entry.User,
            Tags = entry.Tags,
            SubjectStart = start,
            SubjectEnd = start + length,
            Flags = value.Flags,
            Encoding = value.Encoding,
            Length = value.Length,
            Body = value.Bytes,
        };
    }

    /// <summary>Makes an entry of what was stored; its value is read when somebody asks for it.</summary>
    /// <param name="isAskedFor">Whether somebody does now: a text is one at once then, without its bytes being kept until it is.</param>
    public Entry Restore(in WireEntry stored, ClockAnchor anchor, bool isAskedFor = false)
    {
        object form = (stored.Flags & WireFlags.Null) != 0 ? StoredNull.Instance : (isAskedFor ? TextOf(stored) : null) ?? (object)Loaded(stored, anchor);
        return entries.Restore(stored, form, anchor);
    }

    /// <summary>Makes an entry of what was stored, whose value has been read already.</summary>
    public Entry Restore(in WireEntry stored, object form, ClockAnchor anchor) => entries.Restore(stored, form, anchor);

    private static LoadedValue Loaded(in WireEntry stored, ClockAnchor anchor) =>
        new(new(stored.Body.ToArray(), stored.Encoding, stored.Length), stored.Type, (stored.Flags & WireFlags.Shared) != 0, anchor.StartOf(stored.CreatedAt));

    private string? TextOf(in WireEntry stored)
    {
        bool isText = stored.Encoding == CompressionAlgorithm.None && stored.Type == TypeNames.Of<string>() && serializers.For<string>() is TextSerializer;
        if (!isText || !Utf8.IsValid(stored.Body.Span)) return null;
        serializers.Remember<string>();
        return Encoding.UTF8.GetString(stored.Body.Span);
    }

    private Body? BodyOf(object form, long createdAt, PooledBuffer buffer)
    {
        switch (form)
        {
            case StoredNull: return new("", WireFlags.Null, CompressionAlgorithm.None, 0, default);
            case Unkept: return null;
            case SerializedValue serialized: return Of(serialized.TypeName, WireFlags.None, serialized.Payload);
            case LoadedValue { Payload: { } payload } loaded: return Of(loaded.TypeName, loaded.IsShared ? WireFlags.Shared : WireFlags.None, payload);
            case LoadedValue loaded: return BodyOf(loaded.Form!, createdAt, buffer);
        }
        if (serializers.WriterOf(form) is not { } writer) return null;
        try
        {
            writer.Write(form, createdAt, buffer);
        }
        catch (Exception)
        {
            // A type that can only be kept as an instance: the caller counts it.
            return null;
        }
        return new(writer.TypeName, writer.IsImmutable ? WireFlags.None : WireFlags.Shared, CompressionAlgorithm.None, buffer.Length, buffer.Memory);
    }

    private static Body Of(string type, WireFlags flags, Payload payload) => new(type, flags, payload.Encoding, payload.Length, payload.Bytes);

    private readonly record struct Body(string Type, WireFlags Flags, CompressionAlgorithm Encoding, int Length, ReadOnlyMemory<byte> Bytes);
}
