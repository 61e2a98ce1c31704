namespace Larder;

/// <summary>
/// Access to what a policy's queues hold, so that live entries and simulated ones go through the same code. A struct as
/// type argument: every call is direct.
/// </summary>
/// <typeparam name="T">A node: an entry or the index of one.</typeparam>
internal interface INodes<T>
{
    /// <summary>What stands for no node.</summary>
    T None { get; }

    bool IsNone(T node);

    int HashOf(T node);

    long CostOf(T node);

    /// <summary>Uses since they were last forgotten, 0 to 3.</summary>
    int UsesOf(T node);

    void SetUses(T node, int uses);

    ref T Newer(T node);

    ref T Older(T node);

    ref EvictionQueue Queue(T node);
}
