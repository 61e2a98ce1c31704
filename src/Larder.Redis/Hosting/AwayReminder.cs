using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Says in the log again and again that Redis is not used: what was said of a connection once is soon forgotten.</summary>
/// <remarks>One thread at a time: the upkeep of the tier, once a second.</remarks>
internal sealed class AwayReminder(TimeProvider time, ILogger logger)
{
    private long? _since, _saidAt;

    public static TimeSpan Interval => TimeSpan.FromMinutes(5);

    public void Look(RemoteTierStatus status)
    {
        if (status.State == RemoteTierState.InUse)
        {
            if (_saidAt is not null) Log.UsedAgain(logger, Minutes(_since!.Value));
            (_since, _saidAt) = (null, null);
            return;
        }
        long now = time.GetTimestamp();
        _since ??= now;
        if (time.GetElapsedTime(_saidAt ?? _since.Value, now) < Interval) return;
        _saidAt = now;
        Log.StillAway(logger, Minutes(_since.Value), status.Problem ?? "no reason is known", status.Pending);
    }

    private long Minutes(long since) => (long)time.GetElapsedTime(since).TotalMinutes;
}
