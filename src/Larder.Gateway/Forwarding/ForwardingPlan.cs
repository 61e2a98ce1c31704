using Larder.Gateway.Hosting;
using Larder.Gateway.Origins;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// All that forwarding follows, as one thing: a request holds the plan that it began with to its end, so a new
/// configuration takes nothing away from it. Servers that are spoken to as before are shared with the plan before, with
/// their connections and their health; the others are closed when the last request of their plan has ended.
/// </summary>
internal sealed class ForwardingPlan : Counted
{
    private readonly Dictionary<string, OriginServer> _servers = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopChecks = new();

    /// <param name="name">What the gateway is called on the way.</param>
    /// <param name="before">The plan that this one follows; it must still be held. Null for the first.</param>
    /// <exception cref="ArgumentException">An origin is not a plain absolute http or https URI.</exception>
    public ForwardingPlan(ForwarderOptions options, GatewayName name, ForwardingPlan? before, ILogger logger, TimeProvider time)
    {
        Options = options;
        Name = name;
        IEnumerable<OriginOptions> all = options.Origin is { } fallback ? [.. options.Origins, new() { Urls = [fallback] }] : options.Origins;
        try
        {
            Origins = [.. all.Select(origin => new Origin(origin, new([.. origin.Urls.Select(url => Server(url, origin, before, logger, time))]), origin.Retries ?? options.Retries))];
        }
        catch
        {
            Release();
            throw;
        }
        Table = new(Origins);
        var checks = new HealthChecks(logger, time);
        foreach (OriginServer server in _servers.Values)
            if (server.Checks is { } how) _ = Task.Run(() => checks.RunAsync(server, how, _stopChecks.Token));
    }

    /// <summary>What it was made of.</summary>
    public ForwarderOptions Options { get; }

    /// <summary>What the gateway is called on the way.</summary>
    public GatewayName Name { get; }

    /// <summary>The origins.</summary>
    public IReadOnlyList<Origin> Origins { get; }

    /// <summary>Which of them a request is for.</summary>
    public OriginTable Table { get; }

    /// <summary>Ends its checks. Requests that hold it go on.</summary>
    public void Retire()
    {
        _stopChecks.Cancel();
        Release();
    }

    /// <inheritdoc/>
    protected override void End()
    {
        foreach (OriginServer server in _servers.Values) server.Release();
    }

    private OriginServer Server(Uri url, OriginOptions origin, ForwardingPlan? before, ILogger logger, TimeProvider time)
    {
        string key = OriginServer.KeyOf(url, origin, Options.ConnectTimeout);
        if (_servers.TryGetValue(key, out OriginServer? own)) return own;
        if (before is null || !before._servers.TryGetValue(key, out OriginServer? server) || !server.TryHold())
            server = new(url, origin, Options.ConnectTimeout, logger, time);
        return _servers[key] = server;
    }
}
