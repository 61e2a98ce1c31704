namespace Larder.Redis;

/// <summary>Whose turn it is to sweep (docs/invalidation.md, R-36). Keys of each: the log's state, the sweeper. The epoch's state holds up to where it was swept, and ends with it.</summary>
internal static class SweepScripts
{
    /// <summary>The epoch, the node, up to where it will sweep, the lifetime of its turn. 3 where it is its turn, 2 where it has been done, 1 where it is another node's, 0 where the epoch is another one.</summary>
    public static readonly RedisScript Take = new("""
        #!lua flags=allow-oom
        local state = redis.call('HMGET', KEYS[1], 'epoch', 'swept')
        if state[1] ~= ARGV[1] then return 0 end
        if state[2] and tonumber(state[2]) >= tonumber(ARGV[3]) then return 2 end
        local sweeper = redis.call('GET', KEYS[2])
        if sweeper and sweeper ~= ARGV[2] then return 1 end
        redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
        return 3
        """);

    /// <summary>The epoch, the node, up to where it has swept.</summary>
    public static readonly RedisScript End = new("""
        #!lua flags=allow-oom
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], 'swept', ARGV[3])
        redis.call('UNLINK', KEYS[2])
        return 1
        """);
}
