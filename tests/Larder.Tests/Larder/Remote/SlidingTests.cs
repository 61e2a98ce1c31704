using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder.Tests.Remote;

/// <summary>Values that slide, used on several nodes whose clock the test moves.</summary>
[Trait("clause", "R-18")]
public sealed class SlidingTests : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(40), Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly ModelRedis _redis;
    private readonly List<ModelNode> _nodes = [];

    public SlidingTests() => _redis = new() { Clock = () => _time.GetUtcNow().ToUnixTimeMilliseconds() };

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    private (ModelNode Node, LarderDistributedCache Cache) Node(ModelNode? node = null)
    {
        _nodes.Add(RemoteNodes.Connect(node ??= new(_redis, time: _time)));
        return (node, new(node.Cache));
    }

    /// <summary>Time passes, and the nodes follow.</summary>
    private async Task PassAsync(TimeSpan span)
    {
        for (TimeSpan step; span > TimeSpan.Zero; span -= step)
        {
            step = span < 4 * Second ? span : 4 * Second;
            _time.Advance(step);
            foreach (ModelNode node in _nodes)
            {
                node.Follower.Told(_redis.Run(r => r.State().Last), new(_redis.Now, node.Follower.Clock.Now));
                node.ReadLog();
            }
        }
        await Settled();
    }

    private Task Settled() => Eventually.True(() => _nodes.TrueForAll(node => node.Tier.Sliding.IsIdle));

    private static DistributedCacheEntryOptions Sliding(TimeSpan? absolute = null) => new() { SlidingExpiration = Window, AbsoluteExpirationRelativeToNow = absolute };

    [Fact]
    public async Task A_session_that_is_used_anywhere_lives_everywhere()
    {
        (_, LarderDistributedCache onA) = Node();
        (_, LarderDistributedCache onB) = Node();
        (_, LarderDistributedCache onC) = Node();
        await onA.SetAsync("s", [1], Sliding());
        for (int i = 0; i < 8; i++)
        {
            await PassAsync(Window - Second);
            Assert.Equal([1], await (i % 2 == 0 ? onB : onA).GetAsync("s"));
            await Settled();
        }
        // On the one node only, in short steps, at the end of which another one comes.
        for (int i = 0; i < 30; i++)
        {
            await PassAsync(7 * Second);
            await onA.RefreshAsync("s");
            await Settled();
        }
        await PassAsync(Window - Second);
        Assert.Equal([1], await onC.GetAsync("s"));
        await Settled();
        // A refresh by a node that has not held it.
        (_, LarderDistributedCache onD) = Node();
        await PassAsync(Window - Second);
        await onD.RefreshAsync("s");
        await Settled();
        await PassAsync(Window - Second);
        Assert.Equal([1], onB.Get("s"));
    }

    [Fact]
    public async Task One_that_is_not_used_ends_everywhere_a_quarter_later_at_most()
    {
        (ModelNode a, LarderDistributedCache onA) = Node();
        (_, LarderDistributedCache onB) = Node();
        await onA.SetAsync("s", [1], Sliding());
        await PassAsync(10 * Second);
        Assert.NotNull(await onB.GetAsync("s"));
        await Settled();
        Assert.Equal(Window * 1.25, TimeSpan.FromMilliseconds(_redis.Run(r => r.LeftOf("s"))));
        await PassAsync(Window);
        Assert.False(a.Cache.GetLocal<object>("s").Found);
        await PassAsync(Window * 0.25);
        Assert.Null(await onA.GetAsync("s"));
        Assert.Null(await onB.GetAsync("s"));
        Assert.Equal(0u, _redis.Run(r => r.Get("s")).Identity);
    }

    [Fact]
    public async Task None_lives_beyond_its_absolute_end()
    {
        (_, LarderDistributedCache onA) = Node();
        (_, LarderDistributedCache onB) = Node();
        await onA.SetAsync("s", [1], Sliding(100 * Second));
        for (int i = 1; i <= 9; i++)
        {
            await PassAsync(10 * Second);
            Assert.NotNull(await (i % 2 == 0 ? onB : onA).GetAsync("s"));
            await Settled();
        }
        Assert.Equal(10, _redis.Run(r => r.LeftOf("s")) / 1000.0);
        await PassAsync(10 * Second);
        Assert.Null(await onA.GetAsync("s"));
        Assert.Null(await onB.GetAsync("s"));
    }

    [Fact]
    public async Task A_slot_is_prolonged_once_for_each_quarter_and_node()
    {
        (ModelNode a, LarderDistributedCache onA) = Node();
        int prolonged = 0;
        a.Before = command => { if (command == "prolong") prolonged++; return Task.CompletedTask; };
        await onA.SetAsync("s", [1], Sliding());
        for (int second = 0; second < 80; second++)
        {
            Assert.NotNull(await onA.GetAsync("s"));
            Assert.NotNull(await onA.GetAsync("s"));
            await Settled();
            // Whatever memory does with it.
            if (second % 3 == 0) a.Cache.Memory.Drop(a.Cache.Memory.Find("s")!, RemovalCause.Evicted);
            await PassAsync(Second);
        }
        Assert.InRange(prolonged, 7, 8);
    }

    [Fact]
    public async Task The_bytes_in_the_slot_stay_as_they_are()
    {
        (_, LarderDistributedCache onA) = Node();
        (_, LarderDistributedCache onB) = Node();
        await onA.SetAsync("s", [1], Sliding());
        (UInt128 identity, byte[] stored) = _redis.Run(r => r.Get("s"));
        await PassAsync(30 * Second);
        Assert.NotNull(await onB.GetAsync("s"));
        await Settled();
        Assert.Equal((identity, stored), _redis.Run(r => r.Get("s")));
        Assert.Equal(Window * 1.25, TimeSpan.FromMilliseconds(_redis.Run(r => r.LeftOf("s"))));
    }

    /// <summary>The broken variant: it prolongs by storing what it has read again.</summary>
    private sealed class StoresAgain(ModelRedis redis, TimeProvider time) : ModelNode(redis, time: time)
    {
        private readonly ModelRedis _redis = redis;
        private byte[] _read = [];

        public override async ValueTask<SlotRead> ReadAsync(string key)
        {
            SlotRead read = await base.ReadAsync(key);
            _read = read.Stored.ToArray();
            return read;
        }

        public override async ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime)
        {
            await Before("prolong");
            return _redis.Run(r =>
            {
                UInt128 ticket = r.SetTicket(key);
                r.Replace(key, ticket, _read);
                r.Expire(key, lifetime);
                return SlotOutcome.Done;
            });
        }
    }

    /// <summary>The session is removed on one node while another one is about to prolong it.</summary>
    private async Task<byte[]?> RemovedMeanwhile(ModelNode node)
    {
        (_, LarderDistributedCache onA) = Node();
        (ModelNode b, LarderDistributedCache onB) = Node(node);
        await onA.SetAsync("s", [1], Sliding());
        await PassAsync(30 * Second);
        b.Before = command => command == "prolong" ? onA.RemoveAsync("s") : Task.CompletedTask;
        Assert.NotNull(await onB.GetAsync("s"));
        await Settled();
        await PassAsync(Second);
        (_, LarderDistributedCache onC) = Node();
        return await onC.GetAsync("s");
    }

    [Fact]
    public async Task What_was_removed_is_not_revived()
    {
        Assert.Null(await RemovedMeanwhile(new(_redis, time: _time)));
        Assert.NotNull(await RemovedMeanwhile(new StoresAgain(_redis, _time)));
    }

    [Fact]
    public async Task What_an_event_has_ended_is_not_prolonged()
    {
        (_, LarderDistributedCache onA) = Node();
        (ModelNode b, LarderDistributedCache onB) = Node();
        await onA.SetAsync("s", [1], Sliding());
        await PassAsync(20 * Second);
        long left = _redis.Run(r => r.LeftOf("s"));
        // Known to this node only, as yet: the log is away.
        b.Before = command => { b.IsAway = command.StartsWith("append", StringComparison.Ordinal); return Task.CompletedTask; };
        Assert.NotNull(await onB.GetAsync("s"));
        await Settled();
        Assert.True(_redis.Run(r => r.LeftOf("s")) > left);
        await PassAsync(11 * Second);
        left = _redis.Run(r => r.LeftOf("s"));
        await b.Cache.InvalidateAsync(Invalidation.All);
        b.Tier.Sliding.Use("s", Window);
        await Settled();
        Assert.Equal(left, _redis.Run(r => r.LeftOf("s")));
    }
}
