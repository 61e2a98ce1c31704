namespace Larder.Redis;

/// <summary>When calls to a Redis that does not answer end at once, so that nobody waits for it.</summary>
public sealed class RedisBreakerOptions
{
    /// <summary>Whether there is a breaker; on by default.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How many failures (timeouts, lost connections) in a row open it; 5 by default, 1 to 10,000.</summary>
    public int FailuresInRow { get; set; } = 5;

    /// <summary>The share of failures within <see cref="Window"/> that opens it, above 0 and up to 1; 0.5 by default.</summary>
    public double FailureShare { get; set; } = 0.5;

    /// <summary>How many failures there must be in the window before their share counts; 20 by default, 1 to 1,000,000.</summary>
    public int WindowFailures { get; set; } = 20;

    /// <summary>The window in which shares are counted; it begins with a failure. 10 seconds by default, 100 ms to 10 minutes.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long calls end at once before one is let through to try; 1 second by default, 10 ms to 5 minutes.</summary>
    public TimeSpan OpenFor { get; set; } = TimeSpan.FromSeconds(1);
}
