namespace Larder;

/// <summary>What compressing has brought since the cache was made. Ratios are bytes after to bytes before, 0 to 1: the smaller the better.</summary>
/// <param name="Tried">Values that were compressed, whether or not it paid.</param>
/// <param name="Kept">Values that are, or were, kept compressed.</param>
/// <param name="BytesBefore">Bytes of the kept ones, uncompressed.</param>
/// <param name="BytesAfter">Bytes of the kept ones, compressed.</param>
/// <param name="BestRatio">The smallest ratio of a kept one; 1 before the first.</param>
/// <param name="WorstRatio">The largest ratio of a kept one; 0 before the first.</param>
/// <param name="CompressionTime">Time spent compressing, including what was not kept.</param>
/// <param name="Decompressions">Values that were decompressed.</param>
/// <param name="DecompressionTime">Time spent decompressing.</param>
public sealed record CompressionStatistics(
    long Tried, long Kept, long BytesBefore, long BytesAfter, double BestRatio, double WorstRatio,
    TimeSpan CompressionTime, long Decompressions, TimeSpan DecompressionTime)
{
    /// <summary>Bytes after to bytes before, over all that were kept; 1 before the first.</summary>
    public double Ratio => BytesBefore == 0 ? 1 : (double)BytesAfter / BytesBefore;
}
