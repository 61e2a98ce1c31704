using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>Values as JSON.</summary>
internal sealed class JsonValueSerializer<T>(JsonSerializerOptions options) : IHybridCacheSerializer<T>
{
    private readonly JsonTypeInfo<T> _type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));

    public JsonTypeInfo Type => _type;

    public T Deserialize(ReadOnlySequence<byte> source)
    {
        var reader = new Utf8JsonReader(source, new JsonReaderOptions { MaxDepth = options.MaxDepth });
        T value = JsonSerializer.Deserialize(ref reader, _type)!;
        // What follows the value was not written by this serializer: it is not half of something else that is read.
        if (reader.Read()) throw new JsonException("There is more than one value.");
        return value;
    }

    public void Serialize(T value, IBufferWriter<byte> target)
    {
        using var writer = new Utf8JsonWriter(target, new() { Encoder = options.Encoder, MaxDepth = options.MaxDepth });
        JsonSerializer.Serialize(writer, value, _type);
    }
}

/// <summary>Writes a value, reads it back and writes that: only what is the same both times is stored.</summary>
internal sealed class ProvingSerializer<T>(IHybridCacheSerializer<T> inner) : IHybridCacheSerializer<T>
{
    public T Deserialize(ReadOnlySequence<byte> source) => inner.Deserialize(source);

    public void Serialize(T value, IBufferWriter<byte> target)
    {
        using var once = new PooledBuffer();
        using var twice = new PooledBuffer();
        inner.Serialize(value, once);
        inner.Serialize(inner.Deserialize(new(once.Memory)), twice);
        if (!once.Span.SequenceEqual(twice.Span))
            throw new NotSupportedException($"A {typeof(T)} that is read back differs from what was stored: a property that its constructor does not fill can't be set, or the order is another. Give it a setter or a constructor parameter. {StrictJson.Advice}");
        target.Write(once.Span);
    }
}

/// <summary>Stands for a serializer that can't be made, so that the trying is done once.</summary>
internal sealed class RefusingSerializer<T>(string why) : IHybridCacheSerializer<T>
{
    public string Why => why;

    public T Deserialize(ReadOnlySequence<byte> source) => throw new NotSupportedException(why);

    public void Serialize(T value, IBufferWriter<byte> target) => throw new NotSupportedException(why);
}
