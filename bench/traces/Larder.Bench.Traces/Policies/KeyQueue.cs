namespace Larder.Bench.Traces.Policies;

/// <summary>The links of all keys; a key is in one queue at most.</summary>
internal sealed class Links(Setting setting)
{
    public readonly int[] Newer = new int[setting.Keys];
    public readonly int[] Older = new int[setting.Keys];
    /// <summary>Which queue holds a key; 0 for none.</summary>
    public readonly byte[] Queue = new byte[setting.Keys];

    public long CostOf(int key) => setting.CostOf(key);
}

/// <summary>A queue of keys linked through arrays.</summary>
internal sealed class KeyQueue(Links links, byte name)
{
    private const int None = -1;

    public int Newest { get; private set; } = None;

    public int Oldest { get; private set; } = None;

    public int Count { get; private set; }

    public long Cost { get; private set; }

    public bool IsEmpty => Count == 0;

    public bool Contains(int key) => links.Queue[key] == name;

    public int NewerThan(int key) => links.Newer[key];

    public void Push(int key)
    {
        links.Queue[key] = name;
        links.Older[key] = Newest;
        links.Newer[key] = None;
        if (Newest != None) links.Newer[Newest] = key;
        else Oldest = key;
        Newest = key;
        Count++;
        Cost += links.CostOf(key);
    }

    public void Remove(int key)
    {
        int newer = links.Newer[key], older = links.Older[key];
        if (newer != None) links.Older[newer] = older;
        else Newest = older;
        if (older != None) links.Newer[older] = newer;
        else Oldest = newer;
        links.Queue[key] = 0;
        Count--;
        Cost -= links.CostOf(key);
    }

    public int PopOldest()
    {
        int oldest = Oldest;
        Remove(oldest);
        return oldest;
    }
}
