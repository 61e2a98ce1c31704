using Larder.Tests.Support;
using static Larder.Tests.Remote.RemoteNodes;

namespace Larder.Tests.Remote;

/// <summary>Lookups of many keys: each is judged as if it had been asked for alone.</summary>
[Trait("clause", "R-34")]
public sealed class RemoteBatchTests
{
    private static readonly EntryOptions Tagged = new() { Tags = ["t"] };

    [Fact]
    public async Task What_memory_does_not_have_comes_from_Redis_in_one_step_and_enters_memory()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        foreach (string key in (string[])["x", "y", "z"]) await Fill(a, key + "1", key: key);
        await Written(a);
        await Fill(b, "-", key: "x");
        var commands = new List<string>();
        b.Before = command => { lock (commands) commands.Add(command); return Task.CompletedTask; };
        IReadOnlyDictionary<string, string> found = await b.Cache.GetManyAsync<string>(["x", "y", "z", "none", "y"]);
        Assert.Equal(["x1", "y1", "z1"], found.OrderBy(pair => pair.Key).Select(pair => pair.Value));
        Assert.Equal(["get many 3"], commands);
        Assert.Equal(3, (await b.Cache.GetManyAsync<string>(["x", "y", "z"])).Count);
        Assert.Single(commands);
        Assert.Equal((3, 4, 1), (b.Cache.ReasonCounts["hit-redis"], b.Cache.ReasonCounts["hit-memory"], b.Cache.ReasonCounts["miss-cold"]));
        Assert.Equal((3, 1), (b.Tier.Reads.CountOf(RemoteOutcome.Found), b.Tier.Reads.CountOf(RemoteOutcome.Absent)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_is_judged_as_if_it_had_been_read_alone(bool together)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1", new() { Tags = ["ended"] }, "covered");
        await Fill(a, "1", new() { Tags = ["aged"], StaleWhileRevalidate = TimeSpan.FromMinutes(1) }, "soft");
        foreach (string key in (string[])["good", "damaged", "pending"]) await Fill(a, "1", key: key);
        await Written(a);
        await a.Cache.InvalidateAsync(Invalidation.Tag("ended"));
        await a.Cache.InvalidateAsync(Invalidation.Tag("aged").Soft());
        b.ReadLog();
        redis.Run(r =>
        {
            (UInt128 identity, byte[] stored) = r.Get("damaged");
            stored[^1] ^= 1;
            r.SetTicket("ticket");
            return identity;
        });
        b.Before = command => { b.IsAway = command is "unlink" || command.StartsWith("append", StringComparison.Ordinal); return Task.CompletedTask; };
        await b.Cache.RemoveAsync("pending");
        string[] keys = ["covered", "soft", "damaged", "pending", "ticket", "absent", "good"];
        var found = new List<string>();
        if (together) found.AddRange((await b.Cache.GetManyAsync<string>(keys)).Keys);
        else
            foreach (string key in keys)
                if ((await b.Cache.GetAsync<string>(key)).Found) found.Add(key);
        Assert.Equal(["good"], found);
        foreach (RemoteOutcome outcome in (RemoteOutcome[])[RemoteOutcome.Covered, RemoteOutcome.Unreadable, RemoteOutcome.Pending, RemoteOutcome.Ticket, RemoteOutcome.Absent])
            Assert.Equal(1, b.Tier.Reads.CountOf(outcome));
        // The stale one has entered memory and stands in there.
        Assert.Equal(2, b.Tier.Reads.CountOf(RemoteOutcome.Found));
        Assert.True(b.Cache.Memory.Find("soft")!.HasStaleTime);
    }

    /// <summary>An event of the node's own that comes between the question and its answer.</summary>
    private static async Task<int> OvertakenOnItsWay(PendingEvents? pending)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis, pending);
        await Fill(a, "old", Tagged, "x");
        await Fill(a, "old", Tagged, "y");
        await Written(a);
        b.Before = command => { b.IsAway = command.StartsWith("append", StringComparison.Ordinal); return Task.CompletedTask; };
        await b.Cache.InvalidateAsync(Invalidation.Tag("t"));
        return (await b.Cache.GetManyAsync<string>(["x", "y"])).Count;
    }

    [Fact]
    public async Task What_a_pending_event_covers_is_not_taken()
    {
        Assert.Equal(0, await OvertakenOnItsWay(null));
        Assert.Equal(2, await OvertakenOnItsWay(new Blind()));
    }

    private sealed class Blind() : PendingEvents(7)
    {
        public override Invalidation[] Note() => [];
    }

    [Fact]
    public async Task What_is_ended_while_it_is_read_does_not_stay_in_memory()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "old", Tagged, "x");
        await Written(a);
        b.After = async command =>
        {
            if (!command.StartsWith("get", StringComparison.Ordinal)) return;
            b.After = _ => Task.CompletedTask;
            await b.Cache.InvalidateAsync(Invalidation.Tag("t"));
        };
        await b.Cache.GetManyAsync<string>(["x"]);
        Assert.False(b.Cache.GetLocal<string>("x").Found);
        Assert.Empty(await b.Cache.GetManyAsync<string>(["x"]));
    }

    [Fact]
    public async Task No_answer_and_no_tier_are_misses()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis);
        await Fill(a, "1", key: "here");
        a.IsAway = true;
        Assert.Equal(["here"], (await a.Cache.GetManyAsync<string>(["here", "x", "y"])).Keys);
        Assert.Equal(2, a.Tier.Reads.CountOf(RemoteOutcome.NoAnswer));
        a.Before = _ => throw new InvalidOperationException("a seam that breaks its word");
        Assert.Empty(await a.Cache.GetManyAsync<string>(["x", "y"]));
        a.Follower.End();
        Assert.Empty(await a.Cache.GetManyAsync<string>(["x", "y"]));
        Assert.Equal((4, 2), (a.Tier.Reads.CountOf(RemoteOutcome.NoAnswer), a.Tier.Reads.CountOf(RemoteOutcome.Away)));
    }
}
