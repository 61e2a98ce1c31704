namespace Larder;

/// <summary>Timers of the cache's own: they do not carry on with the activity, or anything else that flows, of whoever happened to be there when they were made.</summary>
internal static class DetachedTimer
{
    public static ITimer Create(TimeProvider time, TimerCallback callback, object state, TimeSpan dueTime, TimeSpan period)
    {
        using AsyncFlowControl _ = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        return time.CreateTimer(callback, state, dueTime, period);
    }
}
