namespace Larder.Redis;

/// <summary>Changes of a slot that hold only while its identity is the one that was seen (docs/invalidation.md, R-16).</summary>
internal static class SlotScripts
{
    /// <summary>Key; identity that was seen, the whole new content, lifetime in milliseconds. 1 where it was replaced.</summary>
    public static readonly RedisScript Replace = new("""
        #!lua
        if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return 1
        """);

    /// <summary>Key; identity that was seen. 1 where it was removed.</summary>
    public static readonly RedisScript Remove = new("""
        #!lua flags=allow-oom
        if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end
        redis.call('UNLINK', KEYS[1])
        return 1
        """);
}
