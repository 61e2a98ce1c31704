using System.Diagnostics;

namespace Larder.Tests.Support;

/// <summary>Waits for what happens on another thread; how long it takes decides nothing.</summary>
public static class Eventually
{
    public static async Task True(Func<bool> condition) => Assert.True(await Happens(condition, TimeSpan.FromMinutes(1)), "it never happened");

    /// <summary>Whether it happens at all; a short patience is for what is expected not to.</summary>
    public static async Task<bool> Happens(Func<bool> condition, TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        for (int turns = 0; !condition(); turns++)
        {
            if (Stopwatch.GetElapsedTime(start) > patience) return false;
            if (turns < 100) await Task.Yield();
            else await Task.Delay(1);
        }
        return true;
    }
}
