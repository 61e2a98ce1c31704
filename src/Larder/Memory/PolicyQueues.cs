namespace Larder;

/// <summary>
/// A small queue for the new, a main queue that room is made from, a hot queue for what is used, and a memory of what
/// left: enough to behave like each <see cref="Strategy"/>, and to change from one to another without dropping anything.
/// </summary>
/// <remarks>
/// Invariants. One thread at a time. A node is in one queue. While the cache is cold, new nodes go to the main queue, so
/// that a scan of the first fill does not empty it. One eviction looks at a bounded number of nodes, even if all are used.
/// <para>
/// Filter: small → main, where used nodes get another round for each use; hot stays empty. Recency: new and used nodes
/// go to the hot queue and cool down into the main queue; looking at them twice on their way brings it near to LRU.
/// Frequency: small is a window of a hundredth; what leaves it must be more frequent than the oldest of the main queue;
/// hot is what was used in the main queue, like the protected part of W-TinyLFU.
/// </para>
/// </remarks>
internal sealed class PolicyQueues<T, TNodes>(TNodes nodes) where TNodes : struct, INodes<T>
{
    /// <summary>How many used nodes one eviction passes over at most.</summary>
    private const int MaxChances = 64;
    /// <summary>How many nodes one eviction moves from the hot to the main queue at most.</summary>
    private const int MaxCooled = 32;

    private readonly NodeQueue<T, TNodes> _small = new(EvictionQueue.Small, nodes);
    private readonly NodeQueue<T, TNodes> _main = new(EvictionQueue.Main, nodes);
    private readonly NodeQueue<T, TNodes> _hot = new(EvictionQueue.Hot, nodes);
    private readonly GhostQueue _ghosts = new();
    private readonly FrequencySketch _sketch = new();
    private bool _warm;

    public Strategy Strategy { get; set; }

    public int MaxEntries { get; set; }

    public long MaxBytes { get; set; }

    public int Count => _small.Count + _main.Count + _hot.Count;

    public long Bytes => _small.Bytes + _main.Bytes + _hot.Bytes;

    /// <summary>The small queue's share of the cache.</summary>
    private double SmallShare => Strategy switch { Strategy.Filter => 0.1, Strategy.Frequency => 0.01, _ => 0 };

    /// <summary>The hot queue's share of what is not in the small one.</summary>
    private double HotShare => Strategy == Strategy.Filter ? 0 : 0.5;

    /// <summary>Where used nodes go.</summary>
    private NodeQueue<T, TNodes> Upper => Strategy == Strategy.Filter ? _main : _hot;

    public void Add(T node)
    {
        int hash = nodes.HashOf(node);
        bool known = _ghosts.Forget(hash);
        _sketch.Record(hash);
        NodeQueue<T, TNodes> queue = Strategy switch
        {
            _ when !_warm => _main,
            Strategy.Recency => _hot,
            Strategy.Filter when known => _main,
            _ => _small,
        };
        queue.Push(node);
    }

    public void Remove(T node) => QueueOf(node).Remove(node);

    /// <summary>Puts a node in the place of another of the same key, with its uses.</summary>
    public void Replace(T old, T node)
    {
        nodes.SetUses(node, nodes.UsesOf(old));
        QueueOf(old).Replace(old, node);
    }

    /// <summary>Takes out the node that has to go; <see cref="INodes{T}.None"/> where there is none.</summary>
    public T Evict()
    {
        _sketch.Fit(Count);
        _warm = true;
        CoolDown();
        for (int chances = MaxChances; Count > 0; chances--)
        {
            bool isLast = chances <= 0;
            T victim = !IsFromSmall ? FromMain(isLast) : Strategy == Strategy.Frequency ? FromDuel(isLast) : FromSmall(isLast);
            if (nodes.IsNone(victim)) continue;
            _sketch.Record(nodes.HashOf(victim), nodes.UsesOf(victim));
            return victim;
        }
        return nodes.None;
    }

    private bool IsFromSmall => _small.Count > 0 && (_small.Count == Count || IsSmallOver(SmallShare));

    private bool IsSmallOver(double share) => _small.Count > MaxEntries * share || _small.Bytes > MaxBytes * share;

    /// <summary>What was hot and is no longer used goes to the main queue, until the hot one keeps to its share.</summary>
    private void CoolDown()
    {
        for (int i = 0; i < MaxCooled && _hot.Count > (_hot.Count + _main.Count) * HotShare; i++)
        {
            T oldest = _hot.Oldest;
            _hot.Remove(oldest);
            bool stays = HotShare > 0 && nodes.UsesOf(oldest) > 0;
            if (stays) ForgetUses(oldest, 0);
            (stays ? _hot : _main).Push(oldest);
        }
    }

    /// <summary>The oldest of the small queue, or none when it had been used and moved on.</summary>
    private T FromSmall(bool isLast)
    {
        T oldest = _small.Oldest;
        _small.Remove(oldest);
        // Where recency rules, the small queue is a remnant of another strategy, and newer than most.
        bool stays = !isLast && (nodes.UsesOf(oldest) > 0 || Strategy == Strategy.Recency);
        if (stays)
        {
            ForgetUses(oldest, 0);
            Upper.Push(oldest);
            return nodes.None;
        }
        _ghosts.Remember(nodes.HashOf(oldest), Count);
        return oldest;
    }

    /// <summary>The oldest of the main queue, or none when it had been used and got another round.</summary>
    private T FromMain(bool isLast)
    {
        NodeQueue<T, TNodes> queue = _main.Count > 0 ? _main : _hot;
        T oldest = queue.Oldest;
        queue.Remove(oldest);
        int uses = nodes.UsesOf(oldest);
        if (uses == 0 || isLast) return oldest;
        ForgetUses(oldest, Strategy == Strategy.Filter ? uses - 1 : 0);
        Upper.Push(oldest);
        return nodes.None;
    }

    /// <summary>The less frequent of the oldest of the small and the main queue; none where that of the main queue was used.</summary>
    private T FromDuel(bool isLast)
    {
        T candidate = _small.Oldest;
        if (_main.Count == 0) return FromSmall(isLast: true);
        T resident = _main.Oldest;
        if (!isLast && nodes.UsesOf(resident) > 0) return FromMain(isLast);
        _small.Remove(candidate);
        // A window that another strategy left larger shrinks without a duel: room for it is there.
        bool isRemnant = !isLast && _small.Count > 0 && IsSmallOver(2 * SmallShare);
        bool wins = isRemnant || FrequencyOf(candidate) > FrequencyOf(resident);
        if (!wins) return candidate;
        ForgetUses(candidate, 0);
        if (!isRemnant) _main.Remove(resident);
        _main.Push(candidate);
        return isRemnant ? nodes.None : resident;
    }

    private int FrequencyOf(T node) => _sketch.Of(nodes.HashOf(node)) + nodes.UsesOf(node);

    /// <summary>Reads leave no trace but on their node: what is forgotten there is recorded here.</summary>
    private void ForgetUses(T node, int left)
    {
        _sketch.Record(nodes.HashOf(node), nodes.UsesOf(node) - left);
        nodes.SetUses(node, left);
    }

    private NodeQueue<T, TNodes> QueueOf(T node) => nodes.Queue(node) switch
    {
        EvictionQueue.Small => _small,
        EvictionQueue.Main => _main,
        _ => _hot,
    };
}
