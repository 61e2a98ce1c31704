using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Nodes with leases on a real server (docs/invalidation.md, R-26 to R-30).</summary>
public sealed class StrictNodesTests : IAsyncLifetime
{
    private static readonly EntryOptions Tagged = new() { Tags = ["t"], Ttl = TimeSpan.FromMinutes(10), StaleWhileRevalidate = TimeSpan.FromMinutes(10) };

    private RedisServer _server = null!;
    private RedisNode _writer = null!, _reader = null!;
    private long _source;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _writer = await RedisNode.StartAsync(Patient(Strictness.Available));
        _reader = await RedisNode.StartAsync(Patient(Strictness.Strict));
        // The first connection puts memory in doubt, and what leases there are is known for sure after a lease's length.
        await LinkTests.Until(() => Read().IsCompletedSuccessfully && _reader.Cache.GetLocal<long>("k").Found);
    }

    public async ValueTask DisposeAsync()
    {
        _writer.Dispose();
        _reader.Dispose();
        await _server.DisposeAsync();
    }

    private RedisOptions Patient(Strictness strictness)
    {
        RedisOptions options = _server.Options();
        (options.Timeout, options.Strictness) = (TimeSpan.FromSeconds(5), strictness);
        return options;
    }

    private Task<LookupResult<long>> Read() =>
        _reader.Cache.GetOrCreateResultAsync("k", this, static (test, _) => new ValueTask<long>(Volatile.Read(ref test._source)), Tagged).AsTask();

    /// <summary>Whether a reader on the other node is given an old value right after an event.</summary>
    private async Task<bool> IsOldAfter(int turn, InvalidationReach reach)
    {
        await Read();
        long version = Interlocked.Increment(ref _source);
        InvalidationResult result = await _writer.Cache.InvalidateAsync(turn % 2 == 0 ? Invalidation.Tag("t") : Invalidation.Key("k"), reach);
        Assert.Equal((InvalidationStatus.Acknowledged, reach), (result.Status, result.Reach));
        return (await Read()).Value < version;
    }

    [Fact]
    public async Task What_is_everywhere_nobody_is_given_any_more_and_what_is_only_logged_somebody_is()
    {
        for (int turn = 0; turn < 300; turn++) Assert.False(await IsOldAfter(turn, InvalidationReach.Everywhere));
        for (int turn = 0; turn < 20_000; turn++)
            if (await IsOldAfter(turn, InvalidationReach.Logged)) return;
        Assert.Fail("what is only logged was never late: the test shows nothing");
    }

    [Fact]
    public async Task Whoever_carries_a_position_is_given_nothing_older()
    {
        // Memory of a node is in doubt for a while at first.
        RedisNode reader = await RedisNode.StartAsync(Patient(Strictness.Available));
        using (reader)
        {
            PositionToken first = _writer.Cache.TokenOf(await _writer.Cache.InvalidateAsync(Invalidation.Tag("x")));
            await LinkTests.Until(() => reader.Cache.CatchUpAsync(first) is { IsCompletedSuccessfully: true, Result: true });
            for (int turn = 0; turn < 300; turn++)
            {
                long version = Interlocked.Increment(ref _source);
                InvalidationResult result = await _writer.Cache.InvalidateAsync(turn % 2 == 0 ? Invalidation.Tag("t") : Invalidation.Key("k"));
                LookupResult<long> read = await reader.Cache.GetOrCreateResultAsync(
                    "k", this, static (test, _) => new ValueTask<long>(Volatile.Read(ref test._source)), _writer.Cache.TokenOf(result), Tagged);
                Assert.Equal(version, read.Value);
            }
            Assert.True(reader.Cache.ReasonCounts.GetValueOrDefault("bypass-position") < 100);
        }
    }

    [Fact]
    public async Task While_the_server_stands_still_a_strict_node_serves_nothing_after_its_lease()
    {
        await LinkTests.Until(() => _reader.Cache.GetLocal<long>("k").Found);
        _server.Pause();
        try
        {
            await LinkTests.Until(() => _reader.Cache.GetLocal<long>("k").Reason is Reason.MissUnproven or Reason.MissInvalidated);
            Assert.Null(_reader.Cache.FindKept<object>("k", out _, out _));
        }
        finally
        {
            _server.Continue();
        }
        await LinkTests.Until(() => Read().IsCompletedSuccessfully && _reader.Cache.GetLocal<long>("k").Found);
    }

    [Fact]
    public async Task A_node_that_ends_is_not_waited_for()
    {
        RespValue before = await _server.AskAsync("HLEN", "larder:{log}:nodes");
        _reader.Dispose();
        await LinkTests.Until(() => _server.AskAsync("HLEN", "larder:{log}:nodes").GetAwaiter().GetResult().TryGetInteger(out long left) && before.TryGetInteger(out long had) && left == had - 1);
        Assert.Equal(Reason.MissUnproven, _reader.Cache.GetLocal<long>("k").Reason);
    }
}
