using System.Collections.Frozen;

namespace Larder.Redis;

/// <summary>The commands that this client sends: the rights that its user may lack.</summary>
internal static class RedisRights
{
    /// <summary>By their names, in any case.</summary>
    public static FrozenSet<string> Commands { get; } = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "ping", "info", "time", "select", "hello", "auth", "asking", "client|setname", "cluster|slots", "cluster|info", "sentinel|master", "sentinel|sentinels",
        "get", "set", "unlink", "eval", "evalsha", "xread", "xadd", "xrevrange", "hmget", "hset", "getrange", "mget", "strlen", "pttl", "pexpire", "scan", "hget", "type", "hlen",
        "hgetall", "hexists", "hdel");
}
