namespace Larder.Redis;

/// <summary>
/// Ends a connection whose server is no longer the one that was connected to: it was promoted, demoted, or has taken its data from another one
/// (docs/invalidation.md, R-3). The connection itself would not notice.
/// </summary>
internal sealed class ServerWatch : IAsyncDisposable
{
    /// <summary>Errors that only a server gives that is not what it was thought to be.</summary>
    private static readonly string[] Telling = ["READONLY", "MASTERDOWN", "MOVED", "UNBLOCKED"];

    private readonly RedisLink _link;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _loop;

    /// <param name="interval">How often the server is asked.</param>
    /// <param name="timeout">How long an answer is waited for.</param>
    public ServerWatch(RedisLink link, TimeProvider time, TimeSpan interval, TimeSpan timeout)
    {
        (_link, _time, _timeout) = (link, time, timeout);
        _loop = Task.Run(() => RunAsync(interval));
    }

    /// <summary>Ends the connection where the answer shows that its server is another one by now; in a cluster it may be right for other names.</summary>
    public static void Heed(RedisConnection connection, RedisReply reply)
    {
        if (reply.Error is not { } error || !Telling.Any(error.Is)) return;
        if (error.Is("MOVED") && connection.Misdirected is { } told) told(error);
        else connection.Close($"the server is no master of this data ({error.KnownCode})");
    }

    private async Task RunAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token).ConfigureAwait(false))
                if (_link.Current is { } connection) await LookAsync(connection, _time, _timeout, _ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The watch ends.
        }
    }

    /// <summary>Asks the server who it is, and ends the connection where it is another one by now.</summary>
    public static async Task LookAsync(RedisConnection connection, TimeProvider time, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ServerAnswer answer = await ServerAnswer.AskAsync(connection, time, timeout, cancellationToken).ConfigureAwait(false);
        // A server that does not answer is the connection's own business.
        if (!answer.IsWhole) return;
        ServerIdentity before = connection.Server, now = answer.Of(before);
        if ((now.RunId, now.ReplicationId, now.Role) == (before.RunId, before.ReplicationId, before.Role)) connection.Server = now;
        else connection.Close("the server is another one than when it was connected to");
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _ending.Dispose();
    }
}
