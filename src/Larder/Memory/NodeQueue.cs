namespace Larder;

/// <summary>A FIFO of nodes linked through themselves.</summary>
internal sealed class NodeQueue<T, TNodes>(EvictionQueue name, TNodes nodes) where TNodes : struct, INodes<T>
{
    private T _newest = nodes.None;

    public T Oldest { get; private set; } = nodes.None;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public void Push(T node)
    {
        nodes.Queue(node) = name;
        nodes.Older(node) = _newest;
        nodes.Newer(node) = nodes.None;
        if (nodes.IsNone(_newest)) Oldest = node;
        else nodes.Newer(_newest) = node;
        _newest = node;
        Count++;
        Bytes += nodes.CostOf(node);
    }

    public void Remove(T node)
    {
        T newer = nodes.Newer(node), older = nodes.Older(node);
        if (nodes.IsNone(newer)) _newest = older;
        else nodes.Older(newer) = older;
        if (nodes.IsNone(older)) Oldest = newer;
        else nodes.Newer(older) = newer;
        Leave(node);
    }

    /// <summary>Puts a node in the place of another.</summary>
    public void Replace(T old, T node)
    {
        T newer = nodes.Newer(old), older = nodes.Older(old);
        (nodes.Newer(node), nodes.Older(node), nodes.Queue(node)) = (newer, older, name);
        if (nodes.IsNone(newer)) _newest = node;
        else nodes.Older(newer) = node;
        if (nodes.IsNone(older)) Oldest = node;
        else nodes.Newer(older) = node;
        Count++;
        Bytes += nodes.CostOf(node);
        Leave(old);
    }

    private void Leave(T node)
    {
        nodes.Newer(node) = nodes.Older(node) = nodes.None;
        nodes.Queue(node) = EvictionQueue.None;
        Count--;
        Bytes -= nodes.CostOf(node);
    }
}
