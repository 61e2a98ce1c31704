namespace Larder.Gateway.Configuration;

/// <summary>The ranges of the gateway's settings, and of the documents that they are read from.</summary>
internal static class ConfigLimits
{
    /// <summary>Largest document, in bytes.</summary>
    public const int DocumentBytes = 1 << 20;

    /// <summary>Deepest nesting of a document.</summary>
    public const int Depth = 32;

    /// <summary>Most values in a document, counted with every alias expanded.</summary>
    public const int Values = 100_000;

    /// <summary>A year, the longest time that anything is kept, in seconds.</summary>
    public const double YearSeconds = 31_536_000;

    /// <summary>Longest timeout, in seconds.</summary>
    public const double TimeoutSeconds = 86_400;

    /// <summary>Shortest timeout, in seconds.</summary>
    public const double LeastTimeoutSeconds = 0.1;

    /// <summary>Most entries.</summary>
    public const long Entries = 100_000_000;

    /// <summary>Most memory, in megabytes.</summary>
    public const long Megabytes = 1L << 20;

    /// <summary>Largest body that can be stored, in megabytes.</summary>
    public const long BodyMegabytes = 1900;

    /// <summary>The largest entry that the engine must take so that a body of this size fits with its headers.</summary>
    public static long EntryBytesFor(long bodyBytes) => Math.Clamp(bodyBytes + (1L << 20), 1, 2_000_000_000);
}
