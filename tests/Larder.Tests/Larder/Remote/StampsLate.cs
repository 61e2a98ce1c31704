using System.Buffers.Binary;

namespace Larder.Tests.Remote;

/// <summary>A broken node: what it stores is stamped with what it has seen when it stores, not with what it had seen before the making began.</summary>
internal sealed class StampsLate(ModelRedis redis) : ModelNode(redis)
{
    public override ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        ReadLog();
        byte[] bytes = stored.ToArray();
        Span<byte> entry = bytes.AsSpan(RemoteReads.ServerBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry[20..], Follower.Usable!.SeenUpTo);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[^4..], Crc32C.Of(entry[..^4]));
        return base.ReplaceAsync(key, claim, bytes, lifetime);
    }
}
