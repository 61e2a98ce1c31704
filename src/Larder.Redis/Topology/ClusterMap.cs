namespace Larder.Redis;

/// <summary>Which master serves which hash slot, as one node said it. Nobody changes it.</summary>
internal sealed class ClusterMap
{
    /// <summary>Most masters that a cluster is believed to have.</summary>
    public const int MostNodes = 1000;

    private const short None = -1;

    private readonly RedisEndpoint[] _nodes;
    private readonly short[] _owners;

    private ClusterMap(RedisEndpoint[] nodes, short[] owners)
    {
        (_nodes, _owners) = (nodes, owners);
        Served = owners.Count(owner => owner != None);
    }

    /// <summary>The masters.</summary>
    public IReadOnlyList<RedisEndpoint> Nodes => _nodes;

    /// <summary>How many hash slots have a master.</summary>
    public int Served { get; }

    /// <summary>The place of a hash slot's master in <see cref="Nodes"/>; -1 for none.</summary>
    public int OwnerOf(int slot) => _owners[slot];

    public RedisEndpoint? EndpointOf(int slot) => _owners[slot] is >= 0 and var owner ? _nodes[owner] : null;

    /// <summary>The same with another master of one hash slot; this one where that is so already, or there would be more masters than may be.</summary>
    public ClusterMap With(int slot, RedisEndpoint node, int most)
    {
        int owner = Array.IndexOf(_nodes, node);
        if (owner >= 0 && owner == _owners[slot] || owner < 0 && _nodes.Length >= most) return this;
        RedisEndpoint[] nodes = owner >= 0 ? _nodes : [.. _nodes, node];
        short[] owners = [.. _owners];
        owners[slot] = (short)(owner >= 0 ? owner : nodes.Length - 1);
        return new(nodes, owners);
    }

    /// <summary>Whether each hash slot has the same master in both.</summary>
    public bool IsLike(ClusterMap other)
    {
        const int Nowhere = None - 1;
        int[] places = [.. _nodes.Select(node => Array.IndexOf(other._nodes, node) is >= 0 and var place ? place : Nowhere)];
        for (int slot = 0; slot < HashSlot.Count; slot++)
            if ((_owners[slot] == None ? None : places[_owners[slot]]) != other._owners[slot]) return false;
        return true;
    }

    /// <summary>
    /// Reads the answer to <c>CLUSTER SLOTS</c>: first and last slot, then the master as (host, port, …), then replicas. Null where anything in it is not as it
    /// has to be: half of a map sends commands astray. A range whose master is not named has none here.
    /// </summary>
    /// <param name="asked">Who answered: a node that does not know its own address leaves it out.</param>
    public static ClusterMap? Of(RedisReply reply, RedisEndpoint asked)
    {
        ReadOnlySpan<RespValue> ranges = reply.IsOk ? reply.Value.Items.Span : default;
        if (ranges.Length is 0 or > HashSlot.Count) return null;
        var places = new Dictionary<RedisEndpoint, short>();
        short[] owners = new short[HashSlot.Count];
        owners.AsSpan().Fill(None);
        foreach (RespValue range in ranges)
        {
            ReadOnlySpan<RespValue> parts = range.Items.Span;
            if (parts.Length < 3 || !parts[0].TryGetInteger(out long first) || !parts[1].TryGetInteger(out long last)) return null;
            if (first < 0 || last < first || last >= HashSlot.Count || !TryReadNode(parts[2].Items.Span, asked, out RedisEndpoint? node)) return null;
            if (node is null) continue;
            if (!places.TryGetValue(node, out short place))
            {
                if (places.Count == MostNodes) return null;
                places.Add(node, place = (short)places.Count);
            }
            Span<short> slots = owners.AsSpan((int)first, (int)(last - first + 1));
            if (slots.ContainsAnyExcept(None)) return null;
            slots.Fill(place);
        }
        return places.Count == 0 ? null : new([.. places.OrderBy(pair => pair.Value).Select(pair => pair.Key)], owners);
    }

    /// <returns>Whether it is one; it is null where its name is not known yet (<c>?</c>).</returns>
    private static bool TryReadNode(ReadOnlySpan<RespValue> parts, RedisEndpoint asked, out RedisEndpoint? node)
    {
        node = null;
        if (parts.Length < 2 || !parts[1].TryGetInteger(out long port) || port is < 0 or > 65535) return false;
        string? host = parts[0].IsNull ? "" : parts[0].Text;
        if (host is null) return false;
        if (host == "?") return true;
        node = EndpointOf(host, (int)port, asked);
        return node is not null;
    }

    /// <summary>A node as others name it; one without a host is on the host that was asked. Null where it is none.</summary>
    public static RedisEndpoint? EndpointOf(string host, int port, RedisEndpoint asked)
    {
        var endpoint = new RedisEndpoint(host.Length == 0 ? asked.Host : host, port);
        return !endpoint.IsUnix && RedisEndpoint.IsValid(endpoint) ? endpoint : null;
    }
}
