namespace Larder;

/// <summary>How bytes are compressed. The numbers are written to stored data and never change.</summary>
public enum CompressionAlgorithm : byte
{
    /// <summary>Not at all.</summary>
    None = 0,
    /// <summary>zlib (RFC 1950).</summary>
    Zlib = 1,
    /// <summary>Brotli (RFC 7932).</summary>
    Brotli = 2,
}

/// <summary>Whether and how kept values are compressed. A value is kept compressed only if that saves more than a tenth of it.</summary>
public sealed class CompressionOptions
{
    /// <summary>The algorithm; <see cref="CompressionAlgorithm.None"/> by default. Each read of a compressed value decompresses it.</summary>
    public CompressionAlgorithm Algorithm { get; set; }

    /// <summary>
    /// 1 (fast) to 9 (small); 6 by default. zlib's own levels; for Brotli the quality of the same number, whose 10 and
    /// 11 are left out: they take many times as long for a few percent, and a fill waits for them.
    /// </summary>
    public int Level { get; set; } = 6;

    /// <summary>Values of fewer bytes, serialized, are not tried (texts: in UTF-8); 1,000 by default.</summary>
    public int Threshold { get; set; } = 1000;
}
