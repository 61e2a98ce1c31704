using System.Buffers;
using System.Globalization;

namespace Larder.Redis;

/// <summary>Who is at the other end of a connection, as far as it says. What the connection's user may not ask is null.</summary>
internal sealed record ServerIdentity
{
    private const int LongestValue = 64;
    /// <summary>What it says is shown and logged: nothing but letters, digits, dots and dashes is believed.</summary>
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    public static ServerIdentity Unknown { get; } = new();

    /// <summary>Random, another one with each start of the server.</summary>
    public string? RunId { get; init; }

    public Version? Version { get; init; }

    /// <summary><c>master</c> or <c>slave</c>, in the server's words.</summary>
    public string? Role { get; init; }

    /// <summary><c>standalone</c>, <c>cluster</c> or <c>sentinel</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>The history of data it belongs to: another one after a failover.</summary>
    public string? ReplicationId { get; init; }

    /// <summary>2 or 3.</summary>
    public int Protocol { get; init; } = 2;

    /// <summary>The server's time; null if it was not told.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The local timestamp just before the question for <see cref="Time"/> was sent: the server's clock read that instant or later.</summary>
    public long TimeAsked { get; init; }

    /// <summary>The local timestamp when <see cref="Time"/> had come: the server's clock read that instant or earlier.</summary>
    public long TimeAnswered { get; init; }

    /// <summary>With what a text of <c>INFO</c> says.</summary>
    public ServerIdentity With(string info)
    {
        ServerIdentity identity = this;
        foreach (ReadOnlySpan<char> line in info.AsSpan().EnumerateLines())
        {
            int colon = line.IndexOf(':');
            if (colon < 0) continue;
            ReadOnlySpan<char> said = line[(colon + 1)..];
            if (said.Length is 0 or > LongestValue || said.ContainsAnyExcept(Allowed)) continue;
            string value = said.ToString();
            identity = line[..colon] switch
            {
                "run_id" => identity with { RunId = value },
                "redis_version" => identity with { Version = Version.TryParse(value, out Version? version) ? version : null },
                "redis_mode" => identity with { Mode = value },
                "role" => identity with { Role = value },
                "master_replid" => identity with { ReplicationId = value },
                _ => identity,
            };
        }
        return identity;
    }

    /// <summary>With the answer to <c>TIME</c>: seconds and microseconds.</summary>
    public ServerIdentity With(RespValue time, long asked, long? answered = null)
    {
        ReadOnlySpan<RespValue> items = time.Items.Span;
        const long LastSecond = 253_402_300_799;
        if (items.Length != 2 || !items[0].TryGetInteger(out long seconds) || !items[1].TryGetInteger(out long micros)) return this;
        if (seconds is < 0 or > LastSecond || micros is < 0 or >= 1_000_000) return this;
        return this with { Time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(micros * TimeSpan.TicksPerMicrosecond), TimeAsked = asked, TimeAnswered = answered ?? asked };
    }

    /// <summary>In one line, for logs.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"Redis {Version} ({Role ?? "role unknown"}, RESP{Protocol})");
}
