using System.Buffers;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>
/// A value that came from outside of this process: bytes, and the name of the type they were stored as. The first read
/// as that type makes of it what the value would have been had it been stored here; a read as another type finds nothing.
/// </summary>
/// <remarks>Readers race for the first read: each may make the form, one of them is kept, and all are given that one.</remarks>
/// <param name="createdAt">When the entry was created.</param>
internal sealed class LoadedValue(Payload payload, string typeName, bool isShared, long createdAt)
{
    private readonly CompressionAlgorithm _encoding = payload.Encoding;
    private readonly int _length = payload.Length;
    private byte[]? _bytes = payload.Bytes;
    private object? _form;

    /// <summary>What is kept until the first read, and after it where the value is kept serialized; null where there is an instance in its place.</summary>
    public Payload? Payload => Volatile.Read(ref _bytes) is { } bytes ? new(bytes, _encoding, _length) : null;

    public string TypeName { get; } = typeName;

    public bool IsShared { get; } = isShared;

    /// <summary>The form it has taken: a <see cref="SerializedValue"/> or an instance; null before the first read.</summary>
    public object? Form => Volatile.Read(ref _form);

    /// <summary>The form, made with the serializer of the type that it is read as; null where that is another type than it was stored as.</summary>
    /// <exception cref="Exception">Whatever the serializer throws.</exception>
    public object? FormAs<T>(Serializers serializers, Compressor compressor)
    {
        if (Form is { } known) return known;
        if (TypeName != TypeNames.Of<T>()) return null;
        // Forms come before bytes go.
        if (Payload is not { } payload) return Form;
        IHybridCacheSerializer<T> serializer = serializers.For<T>();
        var serialized = new SerializedValue<T>(payload, serializer);
        bool asInstance = IsShared || Immutability<T>.IsImmutable && payload.Encoding == CompressionAlgorithm.None;
        object? form = !asInstance ? serialized
            // Never compressed: what is would be unpacked into memory that others use afterwards.
            : serializer is IEntrySerializer<T> own ? payload.Encoding == CompressionAlgorithm.None ? own.Deserialize(payload.Bytes, createdAt) : null
            : serialized.Copy(compressor);
        if (form is null) return null;
        if (asInstance) serializers.Remember<T>();
        object kept = Interlocked.CompareExchange(ref _form, form, null) ?? form;
        if (asInstance) Volatile.Write(ref _bytes, null);
        return kept;
    }
}
