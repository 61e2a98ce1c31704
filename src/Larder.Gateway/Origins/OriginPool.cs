namespace Larder.Gateway.Origins;

/// <summary>
/// The servers of one origin, which take turns. Those that take no requests are passed over; where none takes any, all
/// count, because an origin that may be down is still a better answer than none.
/// </summary>
internal sealed class OriginPool(OriginServer[] servers)
{
    private int _turn = -1;

    /// <summary>The servers.</summary>
    public IReadOnlyList<OriginServer> Servers => servers;

    /// <summary>Whose turn it is.</summary>
    /// <param name="tried">One bit for each server that was handed out for this request.</param>
    /// <returns>Null if all have been.</returns>
    public OriginServer? Next(ref uint tried)
    {
        uint start = servers.Length == 1 ? 0 : (uint)Interlocked.Increment(ref _turn);
        int last = -1;
        for (uint i = 0; i < servers.Length; i++)
        {
            int at = (int)((start + i) % (uint)servers.Length);
            if ((tried & 1u << at) != 0) continue;
            last = last < 0 ? at : last;
            if (!servers[at].Health.Takes()) continue;
            last = at;
            break;
        }
        if (last < 0) return null;
        tried |= 1u << last;
        return servers[last];
    }
}
