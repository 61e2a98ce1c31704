using System.Diagnostics;

namespace Larder;

/// <summary>Adds up what compressing costs and brings.</summary>
/// <remarks>Compressions are added under <see cref="_gate"/>, so that the figures of one value are seen together; reads of values, which are many, only with interlocked additions.</remarks>
internal sealed class CompressionMeter
{
    private readonly Lock _gate = new();
    private long _tried;
    private long _kept;
    private long _before;
    private long _after;
    private double _best = 1;
    private double _worst;
    private long _compressing;
    private long _decompressions;
    private long _decompressing;

    public CompressionStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return new(_tried, _kept, _before, _after, _best, _worst, Stopwatch.GetElapsedTime(0, _compressing),
                    Volatile.Read(ref _decompressions), Stopwatch.GetElapsedTime(0, Volatile.Read(ref _decompressing)));
            }
        }
    }

    /// <param name="after">Bytes of the compressed form; null where it was not kept.</param>
    /// <param name="began">The stopwatch's timestamp before.</param>
    public void Compressed(int before, int? after, long began)
    {
        long took = Stopwatch.GetTimestamp() - began;
        lock (_gate)
        {
            _tried++;
            _compressing += took;
            if (after is not { } kept) return;
            _kept++;
            _before += before;
            _after += kept;
            double ratio = (double)kept / before;
            _best = Math.Min(_best, ratio);
            _worst = Math.Max(_worst, ratio);
        }
    }

    public void Decompressed(long began)
    {
        Interlocked.Increment(ref _decompressions);
        Interlocked.Add(ref _decompressing, Stopwatch.GetTimestamp() - began);
    }
}
