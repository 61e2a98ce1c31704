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

    /// <summary>Key; identity that was seen, lifetime in milliseconds. 1 where it lives so long now, or does longer.</summary>
    public static readonly RedisScript Prolong = new("""
        #!lua flags=allow-oom
        if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end
        if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
        return 1
        """);

    /// <summary>Keys; most bytes, each counted with what stands before it in the reply. What the first of them hold, as many as fit, but one at least; what is no string counts as nothing there.</summary>
    public static readonly RedisScript ReadMany = new("""
        #!lua flags=no-writes,allow-oom
        local bytes, last = 0, 1
        for i = 1, #KEYS do
          local length = redis.pcall('STRLEN', KEYS[i])
          bytes = bytes + 16 + (type(length) == 'number' and length or 0)
          if i > 1 and bytes > tonumber(ARGV[1]) then break end
          last = i
        end
        return redis.call('MGET', unpack(KEYS, 1, last))
        """);
}
