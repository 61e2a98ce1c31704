using System.Globalization;

namespace Larder.Redis;

/// <summary>What a node of a cluster knows of it.</summary>
/// <param name="Epoch">The cluster's epoch as far as the node has heard: one that was cut off knows an older one.</param>
/// <param name="IsUp">Whether the node takes the cluster for working.</param>
internal readonly record struct ClusterAnswer(ClusterMap Map, long Epoch, bool IsUp)
{
    /// <summary>Asks a node; null, and why, where it has no usable answer.</summary>
    public static async Task<(ClusterAnswer? Answer, string Why)> AskAsync(RedisConnection connection, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ValueTask<RedisReply> asking = connection.SendAsync(["CLUSTER", "INFO"], timeout, cancellationToken);
        RedisReply slots = await connection.SendAsync(["CLUSTER", "SLOTS"], timeout, cancellationToken).ConfigureAwait(false);
        RedisReply info = await asking.ConfigureAwait(false);
        if (connection.Endpoint is { } endpoint && ClusterMap.Of(slots, endpoint) is { } map) return (new(map, EpochIn(info), !Says(info, "cluster_state:", "fail")), "");
        return (null, slots.Error is { } error ? $"CLUSTER SLOTS was refused ({error.KnownCode})" : slots.IsOk ? "CLUSTER SLOTS was answered without a usable map" : $"CLUSTER SLOTS was not answered ({slots.Outcome})");
    }

    /// <summary>The one to believe: of the node that has heard the most.</summary>
    public static ClusterAnswer? Best(IEnumerable<ClusterAnswer> answers) =>
        answers.OrderByDescending(answer => answer.Epoch).ThenByDescending(answer => answer.IsUp).ThenByDescending(answer => answer.Map.Served).Cast<ClusterAnswer?>().FirstOrDefault();

    private static long EpochIn(RedisReply info) => long.TryParse(Value(info, "cluster_current_epoch:"), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch) ? epoch : 0;

    private static bool Says(RedisReply info, string name, string value) => Value(info, name).SequenceEqual(value);

    private static ReadOnlySpan<char> Value(RedisReply info, string name)
    {
        if (!info.IsOk) return default;
        foreach (ReadOnlySpan<char> line in (info.Value.Text ?? "").AsSpan().EnumerateLines())
            if (line.StartsWith(name, StringComparison.Ordinal)) return line[name.Length..];
        return default;
    }
}
