using System.Buffers;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>
/// Writes values of a face that tell times: relative to when their entry was created, the one instant that is carried from clock to clock.
/// </summary>
internal interface IEntrySerializer<T> : IHybridCacheSerializer<T>
{
    /// <param name="createdAt">When the entry was created, on the <see cref="CacheClock"/>.</param>
    void Serialize(T value, long createdAt, IBufferWriter<byte> target);

    /// <summary>Reads a value; null where these bytes are none.</summary>
    /// <param name="source">Bytes that nobody changes: the value may keep parts of them.</param>
    /// <param name="createdAt">When the entry was created, on the <see cref="CacheClock"/> of this process.</param>
    T? Deserialize(ReadOnlyMemory<byte> source, long createdAt);
}
