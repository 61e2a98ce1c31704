using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Larder;

/// <summary>
/// Finds the serializer of a type, registered as for HybridCache, so that both share their serializers:
/// <list type="number">
/// <item>an <see cref="IHybridCacheSerializer{T}"/> of the type</item>
/// <item>one that an <see cref="IHybridCacheSerializerFactory"/> makes; the factory registered last is asked first</item>
/// <item>bytes and text as they are</item>
/// <item>System.Text.Json with <see cref="JsonSerializerOptions"/> registered under the key
/// <c>typeof(IHybridCacheSerializer&lt;T&gt;)</c>, <c>typeof(LarderCache)</c> or <c>typeof(IHybridCacheSerializer&lt;&gt;)</c>,
/// used as they are</item>
/// <item>System.Text.Json, strictly (<see cref="StrictJson"/>)</item>
/// </list>
/// What <c>AddHybridCache</c> registers for itself is passed over, or a call of it anywhere in the program would change what is
/// stored here: its factory takes every type, with lenient JSON.
/// </summary>
internal sealed class Serializers(IServiceProvider? services)
{
    private readonly ConcurrentDictionary<Type, object> _byType = new();
    private readonly ConcurrentDictionary<Type, InstanceWriter> _writers = new();
    private readonly JsonSerializerOptions _strict = StrictJson.Create();

    public IHybridCacheSerializer<T> For<T>() =>
        _byType.TryGetValue(typeof(T), out object? known) ? (IHybridCacheSerializer<T>)known : (IHybridCacheSerializer<T>)_byType.GetOrAdd(typeof(T), Find<T>());

    /// <summary>Why no value of the type but null can be stored, unless its instance is shared; null where one may.</summary>
    public string? Problem<T>() => !Immutability<T>.IsImmutable && For<T>() is RefusingSerializer<T> { Why: var why } ? why : null;

    /// <summary>Whether the program has registered something so far that decides how values are written.</summary>
    public static bool AreRegistered(IServiceCollection services) => services.Any(static service =>
        (service.ServiceType == typeof(IHybridCacheSerializerFactory)
            || service.ServiceType.IsGenericType && service.ServiceType.GetGenericTypeDefinition() == typeof(IHybridCacheSerializer<>)
            || service.IsKeyedService && service.ServiceType == typeof(JsonSerializerOptions))
        && (service.IsKeyedService || IsTheProgramsOwn(service.ImplementationType ?? service.ImplementationInstance?.GetType() ?? typeof(object))));

    /// <summary>Uses this serializer for a type whatever is registered: for faces, whose own types nobody else knows.</summary>
    /// <param name="serializer">The serializer.</param>
    /// <param name="kinds">The types of the instances that are stored as <typeparamref name="T"/>, where that is only their base.</param>
    public void Use<T>(IHybridCacheSerializer<T> serializer, params ReadOnlySpan<Type> kinds)
    {
        _byType[typeof(T)] = serializer;
        var writer = new InstanceWriter<T>(this);
        _writers[typeof(T)] = writer;
        foreach (Type kind in kinds) _writers[kind] = writer;
    }

    /// <summary>Remembers how values of this type are written that are kept as instances; only the type they were stored as knows.</summary>
    public void Remember<T>()
    {
        if (!_writers.ContainsKey(Boxed<T>.Type)) _writers.TryAdd(Boxed<T>.Type, new InstanceWriter<T>(this));
    }

    /// <summary>The writer of an instance's type; null where no value was stored as that type.</summary>
    public InstanceWriter? WriterOf(object instance) => _writers.GetValueOrDefault(instance.GetType());

    private IHybridCacheSerializer<T> Find<T>()
    {
        if (RegisteredFor<T>() is { } registered) return registered;
        if (typeof(T) == typeof(byte[])) return (IHybridCacheSerializer<T>)(object)new BytesSerializer();
        if (typeof(T) == typeof(string)) return (IHybridCacheSerializer<T>)(object)new TextSerializer();
        try
        {
            if (Registered(typeof(IHybridCacheSerializer<T>)) is { } own) return new JsonValueSerializer<T>(StrictJson.WithResolver(own));
            var strict = new JsonValueSerializer<T>(_strict);
            return StrictJson.NeedsProof(strict.Type) ? new ProvingSerializer<T>(strict) : strict;
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
        {
            return new RefusingSerializer<T>(e.Message);
        }
    }

    private IHybridCacheSerializer<T>? RegisteredFor<T>()
    {
        if (services is null) return null;
        // A provider may be one that knows of no lists.
        if (services.GetService<IEnumerable<IHybridCacheSerializer<T>>>()?.LastOrDefault(static own => IsTheProgramsOwn(own.GetType())) is { } own) return own;
        foreach (IHybridCacheSerializerFactory factory in (services.GetService<IEnumerable<IHybridCacheSerializerFactory>>() ?? []).Where(static own => IsTheProgramsOwn(own.GetType())).Reverse())
            if (factory.TryCreateSerializer(out IHybridCacheSerializer<T>? made)) return made;
        return null;
    }

    private static bool IsTheProgramsOwn(Type registered) => registered.Namespace != "Microsoft.Extensions.Caching.Hybrid.Internal";

    /// <summary>The type that a value has as an object.</summary>
    private static class Boxed<T>
    {
        public static readonly Type Type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
    }

    private JsonSerializerOptions? Registered(Type ofType) => services is not IKeyedServiceProvider keyed ? null
        : keyed.GetKeyedService<JsonSerializerOptions>(ofType)
        ?? keyed.GetKeyedService<JsonSerializerOptions>(typeof(LarderCache))
        ?? keyed.GetKeyedService<JsonSerializerOptions>(typeof(IHybridCacheSerializer<>));
}
