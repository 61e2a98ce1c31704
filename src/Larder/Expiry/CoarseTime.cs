using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>
/// The system's tick count as a thread of its own last saw it, at most some ten milliseconds ago: reading it costs a load
/// instead of a call, and the call would be an eighth of a hit.
/// </summary>
/// <remarks>
/// It lags by as much as the system is late in running that thread, and never runs ahead: a hit may be handed out so
/// long after its expiry, as if its reader had been suspended between looking at a clock and returning. Nothing but hits
/// is judged by it. While nobody reads it the thread sleeps without waking up, and the next reader takes the exact time.
/// </remarks>
internal static class CoarseTime
{
    private const int Step = 10;
    private const int IdleSteps = 100;

    private static readonly AutoResetEvent Wanted = new(false);
    /// <summary>0 while nobody keeps it.</summary>
    private static long _now;
    private static bool _wasRead;
    private static int _started;
    private static int _waking;

    /// <summary>Milliseconds, comparable with <see cref="Environment.TickCount64"/>.</summary>
    public static long Milliseconds
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (!_wasRead) _wasRead = true;
            long now = Volatile.Read(ref _now);
            return now != 0 ? now : Wake();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Wake()
    {
        if (Interlocked.Exchange(ref _waking, 1) == 0)
        {
            if (Interlocked.Exchange(ref _started, 1) == 0) Start();
            else Wanted.Set();
        }
        return Environment.TickCount64;
    }

    private static void Start()
    {
        try
        {
            new Thread(Keep, 64 << 10) { IsBackground = true, Name = "Larder clock" }.UnsafeStart();
        }
        catch (Exception)
        {
            // No memory for a thread: no reason to fail a hit. The exact time serves, and the next reader tries again.
            Volatile.Write(ref _started, 0);
            Volatile.Write(ref _waking, 0);
        }
    }

    private static void Keep()
    {
        for (int idle = 0; ; Thread.Sleep(Step))
        {
            Volatile.Write(ref _now, Environment.TickCount64);
            idle = _wasRead ? 0 : idle + 1;
            _wasRead = false;
            if (idle < IdleSteps) continue;
            Volatile.Write(ref _now, 0);
            Volatile.Write(ref _waking, 0);
            Wanted.WaitOne();
            idle = 0;
        }
    }
}
