using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Says in the log that the user lacks a right: nobody else hears of it, since refusals are answers and callers go on without.</summary>
/// <remarks>Any number of threads. Said once within <see cref="Interval"/>, however many commands are refused.</remarks>
internal sealed partial class RightsAlarm(TimeProvider time, ILogger logger, string prefix = "larder:")
{
    private long _saidAt = long.MinValue;

    public static TimeSpan Interval => TimeSpan.FromMinutes(1);

    public void Heed(RedisError error)
    {
        bool wantsPassword = error.Is("NOAUTH");
        if (!wantsPassword && !error.Is("NOPERM")) return;
        long said = Volatile.Read(ref _saidAt);
        if (said != long.MinValue && time.GetElapsedTime(said) < Interval) return;
        if (Interlocked.CompareExchange(ref _saidAt, time.GetTimestamp(), said) != said) return;
        if (wantsPassword) Log.WantsPassword(logger, error.KnownCode);
        else Log.Denied(logger, error.KnownCode, Denied(error.Text));
    }

    /// <summary>
    /// What was denied, as far as the server tells: the name of a command only where it is one that this client sends, for the rest of the text may
    /// repeat what was asked. It names no key; those of the cache have one beginning.
    /// </summary>
    private string Denied(string text)
    {
        if (Command().Match(text) is { Success: true } match && RedisRights.Commands.TryGetValue(match.Groups[1].Value, out string? command)) return $"the command {command}";
        if (text.Contains(" key", StringComparison.OrdinalIgnoreCase)) return $"a key (the cache's begin with {prefix})";
        return "something";
    }

    [GeneratedRegex("'([a-zA-Z|]{1,32})'", RegexOptions.CultureInvariant)]
    private static partial Regex Command();
}
