using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Says in the log that the user lacks a right: nobody else hears of it, since refusals are answers and callers go on without.</summary>
/// <remarks>Any number of threads. Said once within <see cref="Interval"/>, however many commands are refused.</remarks>
internal sealed class RightsAlarm(TimeProvider time, ILogger logger)
{
    private static readonly string[] Denials = ["NOPERM", "NOAUTH"];

    private long _saidAt = long.MinValue;

    public static TimeSpan Interval => TimeSpan.FromMinutes(1);

    public void Heed(RedisError error)
    {
        if (!Array.Exists(Denials, error.Is)) return;
        long said = Volatile.Read(ref _saidAt);
        if (said != long.MinValue && time.GetElapsedTime(said) < Interval) return;
        if (Interlocked.CompareExchange(ref _saidAt, time.GetTimestamp(), said) == said) Log.Denied(logger, error.KnownCode);
    }
}
