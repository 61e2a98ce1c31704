using System.Globalization;

namespace Larder.Redis;

/// <summary>Whom a sentinel takes for the master.</summary>
/// <param name="Epoch">Of the configuration that made it one: the larger one is newer, and one number never stands for two masters.</param>
internal readonly record struct SentinelAnswer(RedisEndpoint Master, long Epoch)
{
    /// <summary>Most other sentinels that one is believed to know.</summary>
    private const int MostSentinels = 32;

    /// <summary>The answer to <c>SENTINEL MASTER</c>; null where it is none.</summary>
    public static SentinelAnswer? Of(RedisReply reply)
    {
        if (!reply.IsOk || EndpointOf(reply.Value) is not { } master) return null;
        return long.TryParse(Field(reply.Value, "config-epoch"), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch) ? new(master, epoch) : null;
    }

    /// <summary>The answer to <c>SENTINEL SENTINELS</c>: the others, with their run ids; those that make no sense are left out.</summary>
    public static IEnumerable<(RedisEndpoint Endpoint, string? RunId)> Others(RedisReply reply)
    {
        if (!reply.IsOk) yield break;
        int left = MostSentinels;
        foreach (RespValue other in reply.Value.Items.ToArray())
        {
            if (left-- == 0) yield break;
            if (EndpointOf(other) is { } endpoint) yield return (endpoint, Field(other, "runid"));
        }
    }

    /// <summary>
    /// Which of several answers holds: that of the newest configuration. What was known before is given up for an older one only if most sentinels know the older
    /// one, as they do when their memory was reset; a few that were cut off may just not have heard.
    /// </summary>
    /// <param name="known">How many sentinels there are.</param>
    /// <param name="before">What held so far.</param>
    public static SentinelAnswer? Choose(IReadOnlyCollection<SentinelAnswer> answers, int known, SentinelAnswer? before)
    {
        if (answers.Count == 0) return before;
        long newest = answers.Max(answer => answer.Epoch);
        if (before is { } old && newest < old.Epoch && answers.Count * 2 <= known) return before;
        // One server may be called by different names.
        return before is { } current && answers.Contains(current with { Epoch = newest }) ? current with { Epoch = newest } : answers.First(answer => answer.Epoch == newest);
    }

    private static RedisEndpoint? EndpointOf(RespValue fields)
    {
        if (Field(fields, "ip") is not { } host || !int.TryParse(Field(fields, "port"), NumberStyles.None, CultureInfo.InvariantCulture, out int port)) return null;
        var endpoint = new RedisEndpoint(host, port);
        return !endpoint.IsUnix && RedisEndpoint.IsValid(endpoint) ? endpoint : null;
    }

    /// <summary>A field of a map, or of an array of names and values in turns.</summary>
    private static string? Field(RespValue fields, string name)
    {
        ReadOnlySpan<RespValue> items = fields.Items.Span;
        for (int i = 0; i + 1 < items.Length; i += 2)
            if (items[i].Text == name) return items[i + 1].Text;
        return null;
    }
}
