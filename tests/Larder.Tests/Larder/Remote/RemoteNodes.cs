using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>What the tests of nodes share.</summary>
internal static class RemoteNodes
{
    public static ModelNode Connected(ModelRedis redis, PendingEvents? pending = null, LarderOptions? options = null, TimeProvider? time = null) =>
        Connect(new(redis, pending: pending, options: options, time: time));

    public static ModelNode Connect(ModelNode node)
    {
        node.Connect();
        node.ReadLog();
        return node;
    }

    public static async Task<LookupResult<string>> Fill(ModelNode node, string value, EntryOptions? options = null, string key = "k") =>
        await node.Cache.GetOrCreateResultAsync(key, value, static (value, _) => ValueTask.FromResult(value), options);

    public static Task Written(ModelNode node) => Eventually.True(() => node.Tier.Writes.IsIdle);
}
