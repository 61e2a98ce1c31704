using Larder.AspNetCore;
using Larder.Tests.Remote;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http;

/// <summary>Several servers over one <see cref="ModelRedis"/> and one origin, whose log each reads when it is told to.</summary>
internal sealed class ModelSite(RequestDelegate origin, Action<HttpCacheOptions>? rules = null, TimeProvider? time = null, bool comparesNoClaims = false) : IAsyncDisposable
{
    private readonly Action<HttpCacheOptions>? _rules = rules;
    private readonly List<(HttpNode Server, ModelNode Model)> _nodes = [];
    private int _calls;

    public ModelRedis Redis { get; } = new() { Time = time, ComparesNoClaims = comparesNoClaims };

    /// <summary>How often the origin was asked.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public Task<HttpNode> AddAsync() => AddAsync(new ModelNode(Redis, time: time), _rules, time);

    public async Task<HttpNode> AddAsync(ModelNode model, Action<HttpCacheOptions>? rules = null, TimeProvider? time = null)
    {
        model.Connect();
        model.ReadLog();
        HttpNode server = await HttpNode.StartAsync(model.Cache, CountedAsync, rules ?? _rules, time);
        _nodes.Add((server, model));
        return server;
    }

    public ModelNode ModelOf(HttpNode server) => _nodes.Single(node => node.Server == server).Model;

    /// <summary>Until what the nodes have to store is in Redis.</summary>
    public async Task WrittenAsync()
    {
        foreach ((_, ModelNode model) in _nodes) await Eventually.True(() => model.Tier.Writes.IsIdle);
    }

    /// <summary>Lets time pass during which every node hears of the log as often as it should.</summary>
    public void Advance(ManualTimeProvider time, double seconds)
    {
        for (double step; seconds > 0; seconds -= step)
        {
            time.Advance(TimeSpan.FromSeconds(step = Math.Min(seconds, 2)));
            foreach ((_, ModelNode model) in _nodes) model.Follower.Told(Redis.Run(redis => redis.State().Last), new(Redis.Now, model.Follower.Clock.Now));
        }
    }

    /// <summary>All nodes read what is in the log.</summary>
    public void ReadLogs()
    {
        foreach ((_, ModelNode model) in _nodes) model.ReadLog();
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((HttpNode server, ModelNode model) in _nodes)
        {
            await server.DisposeAsync();
            model.Dispose();
        }
    }

    private Task CountedAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        return origin(context);
    }
}
