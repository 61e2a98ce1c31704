namespace Larder.AspNetCore;

/// <summary>How deep in a page a request is, and what the whole page has asked for; set on every request that passes the layer.</summary>
internal sealed class EsiLevel(int depth, EsiTotals totals)
{
    /// <summary>Fragments of fragments: deeper than anybody nests on purpose, and few enough for a page that includes itself.</summary>
    public const int Deepest = 5;

    /// <summary>So many fragments of a page are asked for at once: enough to hide one slow one, too few for a page to be a flood.</summary>
    private const int AtOnce = 4;

    /// <summary>0 for what a client asked for.</summary>
    public int Depth => depth;

    public EsiTotals Totals => totals;

    /// <summary>A fragment's own ones come one after the other, so that it is four at once for the whole page, and none waits for one that waits for it.</summary>
    public int Ahead => depth == 0 ? AtOnce : 1;

    public EsiLevel Next() => new(depth + 1, totals);
}

/// <summary>What is counted over a page with all its fragments.</summary>
internal sealed class EsiTotals(int mostIncludes)
{
    private int _left = mostIncludes;

    /// <summary>Whether one more fragment may be asked for.</summary>
    public bool TryTake() => Interlocked.Decrement(ref _left) >= 0;
}
