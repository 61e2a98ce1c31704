namespace Larder.Redis;

/// <summary>
/// What is done to the leases in one step (docs/invalidation.md, R-26). Keys of each: state, groups, keys, nodes. No clock has a part in it. Ordinals have
/// up to 15 digits, which a number of Lua holds exactly.
/// </summary>
internal static class LeaseScripts
{
    /// <summary>Most leases; beside them stands the registry's name.</summary>
    private const string Nodes = LogScripts.State + """

        local most = 1000
        local function hex(text)
          return text and #text == 16 and string.match(text, '^%x+$')
        end
        local function lease(text)
          local streak, renewals, epoch, seen, joined = string.match(text or '', '^(%x+) (%d+) (%x+) (%d+) (%d+)$')
          if hex(streak) and hex(epoch) and #renewals < 16 and #seen < 16 and #joined < 16 then return streak, renewals, epoch, seen, joined end
        end
        local function registry(name)
          local kind = redis.call('TYPE', KEYS[4])['ok']
          local is_ours = kind == 'hash' and redis.call('HLEN', KEYS[4]) <= most + 1
          if kind ~= 'none' and not is_ours then redis.call('UNLINK', KEYS[4]) end
          local known = is_ours and redis.call('HGET', KEYS[4], 'registry')
          if hex(known) then return known end
          redis.call('HSET', KEYS[4], 'registry', name)
          return name
        end

        """;

    /// <summary>
    /// Arguments: a name for the registry and one for the streak, where they begin; the node, the epoch it is in, the ordinal up to which it has seen. Returns the streak and the
    /// log's newest ordinal of when it began; nothing where the epoch is another one; 0 where there are too many. What was seen never falls within a streak.
    /// </summary>
    public static readonly RedisScript Renew = new("#!lua flags=allow-oom" + Nodes + """
        local s = state()
        if not s or s[1] ~= ARGV[4] then return false end
        registry(ARGV[1])
        local streak, renewals, epoch, seen, joined = lease(redis.call('HGET', KEYS[4], ARGV[3]))
        if not streak or epoch ~= s[1] then
          if redis.call('HEXISTS', KEYS[4], ARGV[3]) == 0 and redis.call('HLEN', KEYS[4]) > most then return 0 end
          streak, renewals, seen, joined = ARGV[2], '0', ARGV[5], s[2]
        elseif tonumber(ARGV[5]) > tonumber(seen) then
          seen = ARGV[5]
        end
        redis.call('HSET', KEYS[4], ARGV[3], string.format('%s %.0f %s %s %s', streak, tonumber(renewals) + 1, s[1], seen, joined))
        return {streak, joined}
        """);

    /// <summary>
    /// Arguments: a name for the registry where it begins; an ordinal; then node, streak and renewals of each lease to be given up. Returns the epoch, the registry's
    /// name, then node, streak, renewals, epoch and ordinal of each lease that has not seen the ordinal in this epoch; nothing where the state is not right.
    /// </summary>
    public static readonly RedisScript Unseen = new("#!lua flags=allow-oom" + Nodes + """
        local s = state()
        if not s then return {} end
        local name = registry(ARGV[1])
        for i = 3, #ARGV, 3 do
          local streak, renewals = lease(redis.call('HGET', KEYS[4], ARGV[i]))
          if streak and streak == ARGV[i + 1] and renewals == ARGV[i + 2] then redis.call('HDEL', KEYS[4], ARGV[i]) end
        end
        local list = {s[1], name}
        local all = redis.call('HGETALL', KEYS[4])
        for i = 1, #all, 2 do
          if all[i] ~= 'registry' then
            local streak, renewals, epoch, seen = lease(all[i + 1])
            if not streak or not hex(all[i]) then
              redis.call('HDEL', KEYS[4], all[i])
              list[2] = ARGV[1]
            elseif epoch ~= s[1] or tonumber(seen) < tonumber(ARGV[2]) then
              for _, part in ipairs({all[i], streak, renewals, epoch, seen}) do list[#list + 1] = part end
            end
          end
        end
        if list[2] ~= name then redis.call('HSET', KEYS[4], 'registry', list[2]) end
        return list
        """);
}
