using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Asks the sentinels who the master is, and closes connections to one that is it no more (docs/invalidation.md, R-32).</summary>
/// <remarks>
/// Invariants.
/// 1. Each sentinel has a link of its own. Those of the options are kept; those that were learnt from others are bounded in number, and
///    given up when they are away and nobody names them.
/// 2. <c>_chosen</c> changes under the gate, and the connections that were given out are looked through after it changed (<see cref="GivenConnections"/>).
/// 3. Nothing is given out while no sentinel answers: a master that nobody vouches for may be an old one. What is connected stays so, for nothing speaks against it.
/// </remarks>
internal sealed class Sentinels : IEndpointSource, IAsyncDisposable
{
    private const int MostLearnt = 16;
    /// <summary>What a sentinel says is short.</summary>
    private const long MostReplyBytes = 1 << 20;
    private const string Moved = "the sentinels name another master";

    private readonly Lock _gate = new();
    private readonly RedisOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger? _logger;
    private readonly string _master;
    private readonly TimeSpan _patience;
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<RedisEndpoint, RedisLink> _links = [];
    private readonly GivenConnections _given = new();
    private readonly List<Task> _leaving = [];
    private readonly Task _loop;
    private SentinelAnswer? _chosen;

    /// <param name="options">With the sentinels as endpoints.</param>
    /// <param name="interval">How often they are asked; infinite for only when a connection is made.</param>
    public Sentinels(RedisOptions options, TimeProvider time, ILogger? logger, TimeSpan interval)
    {
        (_options, _time, _logger) = (options, time, logger);
        _master = options.SentinelMaster ?? throw new ArgumentException("No master group is named.", nameof(options));
        _patience = options.ConnectTimeout / 4;
        foreach (RedisEndpoint endpoint in options.Endpoints) _links.TryAdd(endpoint, LinkTo(endpoint));
        _loop = interval == Timeout.InfiniteTimeSpan ? Task.CompletedTask : Task.Run(() => WatchAsync(interval));
    }

    /// <summary>Those that are asked.</summary>
    public IReadOnlyCollection<RedisEndpoint> Known
    {
        get
        {
            lock (_gate) return [.. _links.Keys];
        }
    }

    public async ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken)
    {
        try
        {
            await MostConnectedAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new RedisHandshakeException($"no sentinel answers ({Links().Select(link => link.Status.Why).FirstOrDefault(why => why is not null) ?? "it took too long"})");
        }
        if (await AskAsync(cancellationToken).ConfigureAwait(false) is { } why) throw new RedisHandshakeException($"no sentinel names a master of the group ({why})");
        lock (_gate) return _chosen!.Value.Master;
    }

    public void Accept(RedisConnection connection)
    {
        ServerKind.RequireAlone(connection.Server);
        ServerKind.RequireMaster(connection.Server);
        _given.Add(connection);
        lock (_gate)
            if (_chosen is { } chosen && chosen.Master != connection.Endpoint) throw new RedisHandshakeException(Moved);
    }

    /// <summary>Waits for one sentinel, and a while for most of them: the answer of one that was cut off is not to be the only one.</summary>
    private async Task MostConnectedAsync(CancellationToken cancellationToken)
    {
        // What still waits at the end is let go.
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        RedisLink[] links = Links();
        List<Task> connecting = [.. links.Select(link => link.WhenConnectedAsync(waiting.Token))];
        Task pause = Task.Delay(_patience, _time, waiting.Token);
        int connected = 0;
        while (connected * 2 <= links.Length && connecting.Count > 0)
        {
            Task first = await Task.WhenAny(connected == 0 ? connecting : connecting.Append(pause)).ConfigureAwait(false);
            if (first == pause) break;
            connecting.Remove(first);
            if (first.IsCompletedSuccessfully) connected++;
        }
        await waiting.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task WatchAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token).ConfigureAwait(false)) await AskAsync(_ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // They are asked no more.
        }
    }

    /// <summary>Asks all that can be asked, side by side.</summary>
    /// <returns>Why none names a master; null where one does.</returns>
    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        RedisConnection[] connections = [.. Links().Select(link => link.Current).OfType<RedisConnection>()];
        (RedisReply Master, RedisReply Others)[] replies = await Task.WhenAll(connections.Select(connection => AskAsync(connection, cancellationToken))).ConfigureAwait(false);
        SentinelAnswer[] answers = [.. replies.Select(reply => SentinelAnswer.Of(reply.Master)).OfType<SentinelAnswer>()];
        if (answers.Length == 0) return replies.Select(reply => reply.Master.Error?.KnownCode).FirstOrDefault(code => code is not null) ?? "no answer";
        Learn(connections, replies.SelectMany(reply => SentinelAnswer.Others(reply.Others)));
        RedisEndpoint master;
        lock (_gate)
        {
            _chosen = SentinelAnswer.Choose(answers, _links.Count, _chosen);
            master = _chosen!.Value.Master;
        }
        _given.CloseAllBut(master, Moved);
        return null;
    }

    private async Task<(RedisReply Master, RedisReply Others)> AskAsync(RedisConnection connection, CancellationToken cancellationToken)
    {
        ValueTask<RedisReply> master = connection.SendAsync(["SENTINEL", "MASTER", _master], _patience, cancellationToken);
        ValueTask<RedisReply> others = connection.SendAsync(["SENTINEL", "SENTINELS", _master], _patience, cancellationToken);
        return (await master.ConfigureAwait(false), await others.ConfigureAwait(false));
    }

    /// <summary>Makes links to those that were named, and ends learnt ones that are away and were not.</summary>
    private void Learn(RedisConnection[] connections, IEnumerable<(RedisEndpoint Endpoint, string? RunId)> others)
    {
        // One that is known by a name and named by its address is one.
        HashSet<string?> met = [.. connections.Select(connection => connection.Server.RunId)];
        RedisEndpoint[] named = [.. others.Where(other => other.RunId is null || !met.Contains(other.RunId)).Select(other => other.Endpoint).Distinct()];
        lock (_gate)
        {
            if (_ending.IsCancellationRequested) return;
            _leaving.RemoveAll(task => task.IsCompleted);
            foreach (RedisEndpoint gone in _links.Keys.Except(_options.Endpoints).Except(named).Where(endpoint => _links[endpoint].Current is null).ToArray())
            {
                _links.Remove(gone, out RedisLink? link);
                _leaving.Add(link!.DisposeAsync().AsTask());
            }
            foreach (RedisEndpoint endpoint in named)
                if (_links.Count < _options.Endpoints.Count + MostLearnt && !_links.ContainsKey(endpoint)) _links.Add(endpoint, LinkTo(endpoint));
        }
    }

    private RedisLink[] Links()
    {
        lock (_gate) return [.. _links.Values];
    }

    private RedisLink LinkTo(RedisEndpoint endpoint)
    {
        var options = new RedisOptions
        {
            User = _options.SentinelUser, Password = _options.SentinelPassword, ClientName = _options.ClientName, Tls = _options.Tls,
            Timeout = _options.Timeout, ConnectTimeout = _options.ConnectTimeout, LongestBackoff = _options.LongestBackoff,
            Heartbeat = _options.Heartbeat, Silence = _options.Silence, MaxReplyBytes = Math.Min(_options.MaxReplyBytes, MostReplyBytes),
        };
        options.Endpoints.Add(endpoint);
        return new(options, hooks: null, _time, _logger, new OneSentinel(endpoint));
    }

    private sealed class OneSentinel(RedisEndpoint endpoint) : IEndpointSource
    {
        public ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken) => new(endpoint);

        public void Accept(RedisConnection connection) => ServerKind.RequireSentinel(connection.Server);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        List<Task> leaving;
        lock (_gate) leaving = [.. _leaving, .. _links.Values.Select(link => link.DisposeAsync().AsTask())];
        await Task.WhenAll(leaving).ConfigureAwait(false);
    }
}
