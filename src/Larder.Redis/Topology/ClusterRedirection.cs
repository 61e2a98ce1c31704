using System.Globalization;

namespace Larder.Redis;

/// <summary>Another node that a command was sent to: <c>MOVED 3999 10.0.0.1:6381</c>, or <c>ASK …</c>.</summary>
/// <param name="IsAsk">Only this command is meant, as the hash slot is on its way there.</param>
internal readonly record struct ClusterRedirection(bool IsAsk, int Slot, RedisEndpoint Node)
{
    /// <param name="asked">Who answered.</param>
    /// <returns>Null where the error is another one, or makes no sense.</returns>
    public static ClusterRedirection? Of(RedisError? error, RedisEndpoint asked)
    {
        if (error is null || !error.Is("MOVED") && !error.Is("ASK")) return null;
        string[] words = error.Text.Split(' ');
        if (words.Length < 3 || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int slot) || slot >= HashSlot.Count) return null;
        // An address of IPv6 stands there without brackets: the last colon is the one.
        int colon = words[2].LastIndexOf(':');
        if (colon < 0 || !int.TryParse(words[2].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)) return null;
        string host = words[2][..colon];
        return host != "?" && ClusterMap.EndpointOf(host, port, asked) is { } node ? new(error.Is("ASK"), slot, node) : null;
    }
}
