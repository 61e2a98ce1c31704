using System.Buffers;

namespace Larder;

/// <summary>Writes values that are kept as instances, whose type is only known as <see cref="object"/> where they are written.</summary>
internal abstract class InstanceWriter
{
    public abstract string TypeName { get; }

    /// <summary>Whether every cache hands out instances of the type; otherwise the program chose to share this one.</summary>
    public abstract bool IsImmutable { get; }

    /// <param name="createdAt">When its entry was created.</param>
    public abstract void Write(object instance, long createdAt, IBufferWriter<byte> target);
}

/// <inheritdoc/>
internal sealed class InstanceWriter<T>(Serializers serializers) : InstanceWriter
{
    public override string TypeName => TypeNames.Of<T>();

    public override bool IsImmutable => Immutability<T>.IsImmutable;

    public override void Write(object instance, long createdAt, IBufferWriter<byte> target)
    {
        if (serializers.For<T>() is IEntrySerializer<T> own) own.Serialize((T)instance, createdAt, target);
        else serializers.For<T>().Serialize((T)instance, target);
    }
}
