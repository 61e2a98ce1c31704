namespace Larder;

/// <summary>Counts what happened within the last hour, in a place for each minute; belongs to one thread at a time.</summary>
internal sealed class HourCounter(TimeProvider time)
{
    private const int Minutes = 60;

    private readonly long _start = time.GetTimestamp();
    private readonly int[] _counts = new int[Minutes];
    private int _sum;
    private long _minute;

    /// <summary>How often it happened in this minute and the 59 before.</summary>
    public int Count
    {
        get
        {
            ForgetTheOld();
            return _sum;
        }
    }

    public void Increment()
    {
        ForgetTheOld();
        _counts[_minute % Minutes]++;
        _sum++;
    }

    private void ForgetTheOld()
    {
        long minute = (long)time.GetElapsedTime(_start).TotalMinutes;
        // After a quiet hour every place is old: none need be emptied twice.
        for (long passed = Math.Max(_minute, minute - Minutes) + 1; passed <= minute; passed++)
        {
            ref int old = ref _counts[passed % Minutes];
            _sum -= old;
            old = 0;
        }
        _minute = Math.Max(_minute, minute);
    }
}
