using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Larder;

/// <summary>
/// Finds the serializer of a type: one registered for it, then one that a registered factory makes, then
/// System.Text.Json. Registered means as for HybridCache, so that both share their serializers.
/// </summary>
internal sealed class Serializers(IServiceProvider? services)
{
    private readonly ConcurrentDictionary<Type, object> _byType = new();
    private readonly JsonSerializerOptions _json = (services as IKeyedServiceProvider)?.GetKeyedService<JsonSerializerOptions>(typeof(LarderCache)) ?? DefaultJson();

    public IHybridCacheSerializer<T> For<T>() =>
        _byType.TryGetValue(typeof(T), out object? known) ? (IHybridCacheSerializer<T>)known : Find<T>();

    private IHybridCacheSerializer<T> Find<T>()
    {
        IHybridCacheSerializer<T>? found = services?.GetService<IHybridCacheSerializer<T>>();
        if (found is null && services is not null)
            foreach (IHybridCacheSerializerFactory factory in services.GetServices<IHybridCacheSerializerFactory>())
                if (factory.TryCreateSerializer(out found)) break;
        found ??= typeof(T) == typeof(byte[]) ? (IHybridCacheSerializer<T>)(object)new BytesSerializer() : new JsonValueSerializer<T>(_json);
        return (IHybridCacheSerializer<T>)_byType.GetOrAdd(typeof(T), found);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Taken only where reflection is enabled; trimmed programs register options with a source-generated context.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    private static JsonSerializerOptions DefaultJson() =>
        JsonSerializer.IsReflectionEnabledByDefault
            ? new(JsonSerializerDefaults.Web) { TypeInfoResolver = new DefaultJsonTypeInfoResolver(), IncludeFields = true }
            : new(JsonSerializerDefaults.Web);

    private sealed class BytesSerializer : IHybridCacheSerializer<byte[]>
    {
        public byte[] Deserialize(ReadOnlySequence<byte> source) => source.ToArray();

        public void Serialize(byte[] value, IBufferWriter<byte> target) => target.Write(value);
    }

    private sealed class JsonValueSerializer<T>(JsonSerializerOptions options) : IHybridCacheSerializer<T>
    {
        private readonly JsonTypeInfo<T> _type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));

        public T Deserialize(ReadOnlySequence<byte> source)
        {
            var reader = new Utf8JsonReader(source);
            return JsonSerializer.Deserialize(ref reader, _type)!;
        }

        public void Serialize(T value, IBufferWriter<byte> target)
        {
            using var writer = new Utf8JsonWriter(target);
            JsonSerializer.Serialize(writer, value, _type);
        }
    }
}
