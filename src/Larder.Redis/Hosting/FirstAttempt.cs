namespace Larder.Redis;

/// <summary>
/// The first attempt to reach the log: it has ended when the log is followed and can be appended to, or when that has failed (docs/invalidation.md, R-38).
/// </summary>
internal static class FirstAttempt
{
    /// <param name="reading">The link of the log's reader.</param>
    /// <param name="opened">Ends when the log was opened on it for the first time, or could not be.</param>
    /// <param name="steps">The link on which events are appended, as far as it is known.</param>
    /// <param name="limit">After so long it counts as ended.</param>
    public static async Task EndAsync(RedisLink reading, Task opened, Func<RedisLink?> steps, TimeSpan limit, TimeProvider time)
    {
        try
        {
            await AllAsync().WaitAsync(limit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A server that does not answer: whoever waits goes on without it.
        }

        async Task AllAsync()
        {
            await reading.Tried.ConfigureAwait(false);
            if (reading.Current is null) return;
            await opened.ConfigureAwait(false);
            if (steps() is { } link) await link.Tried.ConfigureAwait(false);
        }
    }
}
