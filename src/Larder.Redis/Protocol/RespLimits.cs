namespace Larder.Redis;

/// <summary>How much a server may send. All of it holds for one reply, with the attributes and pushes before it on their own.</summary>
internal sealed record RespLimits
{
    /// <summary>Most bytes of all strings of a reply together.</summary>
    public long Bytes { get; init; } = 128L << 20;

    /// <summary>Most values in a reply, whatever their depth.</summary>
    public int Elements { get; init; } = 1 << 18;

    /// <summary>How deep values may be nested.</summary>
    public int Depth { get; init; } = 16;

    /// <summary>Longest line, in bytes: a simple string, an error, a number, a length.</summary>
    public int Line { get; init; } = 64 << 10;
}
