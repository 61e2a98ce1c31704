using System.Collections.Frozen;
using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>Stands for a null that was stored on purpose.</summary>
internal sealed class StoredNull
{
    public static readonly StoredNull Instance = new();
}

/// <summary>Stands for a value that could not be kept; nothing can be read from it.</summary>
internal sealed class Unkept
{
    public static readonly Unkept Instance = new();
}

/// <summary>Stands where a fill failed lately: until it expires the factory is not asked again.</summary>
internal sealed class StoredFailure(ExceptionDispatchInfo failure)
{
    /// <summary>What an exception and its stack trace weigh, roughly.</summary>
    public const int Cost = 2048;

    public ExceptionDispatchInfo Failure { get; } = failure;
}

/// <summary>A value kept as bytes: because its type is mutable and each reader gets a copy of its own, or because it is compressed.</summary>
internal abstract class SerializedValue(Payload payload)
{
    public Payload Payload { get; } = payload;

    /// <summary>What it was stored as.</summary>
    public abstract string TypeName { get; }
}

/// <inheritdoc/>
internal sealed class SerializedValue<T>(Payload payload, IHybridCacheSerializer<T> serializer) : SerializedValue(payload)
{
    public override string TypeName => TypeNames.Of<T>();

    public T Copy(Compressor compressor)
    {
        if (Payload.Encoding == CompressionAlgorithm.None) return serializer.Deserialize(new(Payload.Bytes));
        using var unpacked = new PooledBuffer();
        compressor.Unpack(Payload, unpacked);
        return serializer.Deserialize(new(unpacked.Memory));
    }
}

/// <summary>
/// Whether instances of a type may be handed to many callers: strings, primitives and the framework's value-like
/// types, enums, structs without references (reading one copies it), and sealed types marked
/// <c>[ImmutableObject(true)]</c>; the rule of HybridCache.
/// </summary>
internal static class Immutability<T>
{
    public static readonly bool IsImmutable = !RuntimeHelpers.IsReferenceOrContainsReferences<T>() || Immutability.Of(typeof(T));
}

internal static class Immutability
{
    private static readonly FrozenSet<Type> Known = FrozenSet.ToFrozenSet(
    [
        typeof(string), typeof(bool), typeof(char), typeof(byte), typeof(sbyte), typeof(short), typeof(ushort),
        typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(nint), typeof(nuint), typeof(Int128),
        typeof(UInt128), typeof(Half), typeof(float), typeof(double), typeof(decimal), typeof(DateTime),
        typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(Guid), typeof(Uri),
        typeof(Version), typeof(Index), typeof(Range), typeof(System.Text.Rune),
    ]);

    public static bool Of(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return Known.Contains(type)
            || type.IsEnum
            || (type.IsValueType || type.IsSealed)
            && type.GetCustomAttribute<ImmutableObjectAttribute>() is { Immutable: true };
    }
}
