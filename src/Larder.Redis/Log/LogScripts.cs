namespace Larder.Redis;

/// <summary>
/// What is done to the log in one step (docs/invalidation.md, R-2 to ). Keys of each: state, groups, keys. Ordinals are kept as text: as numbers Lua
/// would write large ones with an exponent.
/// </summary>
internal static class LogScripts
{
    /// <summary>The state as (epoch, last, groups, keys) where it is right: it is this server's own, and each stream ends where it says.</summary>
    internal const string State = """

        local function me()
          local info = redis.call('INFO', 'server') .. redis.call('INFO', 'replication')
          return string.match(info, 'run_id:(%x+)') .. ' ' .. string.match(info, 'master_replid:(%x+)')
        end
        local function tip(stream)
          local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
          return newest and string.match(newest[1], '^%d+') or '0'
        end
        local function state()
          local s = redis.call('HMGET', KEYS[1], 'epoch', 'server', 'last', 'groups', 'keys')
          if s[1] and s[2] == me() and s[3] and s[4] == tip(KEYS[2]) and s[5] == tip(KEYS[3]) then return {s[1], s[3], s[4], s[5]} end
        end

        """;

    /// <summary>The state; nothing where it is not right.</summary>
    public static readonly RedisScript Ask = new("#!lua flags=no-writes,allow-oom" + State + "return state() or {}");

    /// <summary>The state; a new epoch, whose name is the argument, where it is not right.</summary>
    public static readonly RedisScript Open = new("#!lua flags=allow-oom" + State + """
        local s = state()
        if s then return s end
        redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
        redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'server', me(), 'last', '0', 'groups', '0', 'keys', '0')
        return {ARGV[1], '0', '0', '0'}
        """);

    /// <summary>
    /// Arguments: the epoch; 2 for groups, 3 for keys; how many events the stream keeps; the event's own fields and values in turns. Returns the event's ordinal; nothing where
    /// the epoch is another one or the state is not right, and nothing was done then. What the user may not write is found out before anything stays: a stream that
    /// does not end where the state says would end the epoch for everybody.
    /// </summary>
    public static readonly RedisScript Append = new("#!lua flags=allow-oom" + State + """
        local s = state()
        if not s or s[1] ~= ARGV[1] then return false end
        local stream = tonumber(ARGV[2])
        local ordinal = string.format('%.0f', tonumber(s[2]) + 1)
        local time = redis.call('TIME')
        local words = {KEYS[stream], 'MAXLEN', '~', ARGV[3], ordinal .. '-0', 'epoch', s[1], 'groups', s[3], 'keys', s[4],
          'at', time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))}
        for i = 4, #ARGV do words[#words + 1] = ARGV[i] end
        local name = stream == 2 and 'groups' or 'keys'
        redis.call('HSET', KEYS[1], 'last', ordinal, name, ordinal)
        local added = redis.pcall('XADD', unpack(words))
        if added.err then
          redis.call('HSET', KEYS[1], 'last', s[2], name, s[stream + 1])
          return added
        end
        return ordinal
        """);
}
