using Larder.Tests.Remote;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http;

/// <summary>Answers that a write or a removal on another node overtakes; the broken variants show that the race is what is tested.</summary>
public sealed class SharedRacesTests
{
    private const string Url = "http://site.test/x", Variant = Url + "\nv6:accept+3:*/*";

    private delegate ModelNode Make(ModelRedis redis);

    private static ModelNode Right(ModelRedis redis) => new(redis);

    private static Task Write(HttpNode node, LarderCache cache) => node.SendAsync("PUT", "/x");

    private static Task Remove(HttpNode node, LarderCache cache) => cache.RemoveAsync(Variant).AsTask();

    /// <summary>
    /// One node asks the origin, another one changes what the answer is made of, and the answer comes with the old content. Then a client comes to a
    /// third node, which has seen the change: what it is given is either what is in Redis or made anew.
    /// </summary>
    private static async Task<string> OvertakenAsync(bool varies, Func<HttpNode, LarderCache, Task> change, Make? asking = null, Make? changing = null, bool comparesNoClaims = false)
    {
        string source = "old";
        var asked = new TaskCompletionSource();
        var changed = new TaskCompletionSource();
        await using var site = new ModelSite(async context =>
        {
            if (!HttpMethods.IsGet(context.Request.Method)) return;
            context.Response.Headers.CacheControl = "max-age=600";
            if (varies) context.Response.Headers.Vary = "Accept";
            string made = source;
            if (asked.TrySetResult()) await changed.Task;
            await context.Response.WriteAsync(made);
        }, comparesNoClaims: comparesNoClaims);
        HttpNode a = await site.AddAsync((changing ?? Right)(site.Redis)), b = await site.AddAsync((asking ?? Right)(site.Redis)), c = await site.AddAsync();
        Task<HttpAnswer> overtaken = b.GetAsync("/x", ("Accept", "*/*"));
        await asked.Task;
        source = "new";
        await change(a, site.ModelOf(a).Cache);
        changed.SetResult();
        // Its client came before the change.
        Assert.Equal("old", (await overtaken).Body);
        await site.WrittenAsync();
        // Another variant's answer tells where this one would be.
        if (varies) Assert.Equal("new", (await a.GetAsync("/x", ("Accept", "text/plain"))).Body);
        await site.WrittenAsync();
        site.ReadLogs();
        return (await c.GetAsync("/x", ("Accept", "*/*"))).Body;
    }

    /// <summary>The broken variant: events of derived keys stand where those of other keys do.</summary>
    private sealed class NotesAllKeysAlike(ModelRedis redis) : ModelNode(redis)
    {
        public override ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields) => base.AppendAsync(RemoteStream.Keys, epoch, fields);
    }

    [Fact]
    [Trait("clause", "R-17"), Trait("clause", "R-18"), Trait("clause", "R-19")]
    public async Task An_answer_that_a_write_overtook_does_not_enter_Redis()
    {
        Assert.Equal("new", await OvertakenAsync(varies: false, Write));
        Assert.Equal("old", await OvertakenAsync(varies: false, Write, comparesNoClaims: true));
    }

    [Fact]
    [Trait("clause", "R-27")]
    public async Task A_variant_that_a_write_overtook_is_not_used_whatever_its_slot_went_through()
    {
        Assert.Equal("new", await OvertakenAsync(varies: true, Write));
        Assert.Equal("old", await OvertakenAsync(varies: true, Write, asking: redis => new StampsLate(redis)));
    }

    [Fact]
    [Trait("clause", "R-19"), Trait("clause", "R-27")]
    public async Task A_variant_whose_key_was_removed_meanwhile_is_not_used()
    {
        Assert.Equal("new", await OvertakenAsync(varies: true, Remove));
        Assert.Equal("old", await OvertakenAsync(varies: true, Remove, changing: redis => new NotesAllKeysAlike(redis)));
    }

    [Fact]
    [Trait("clause", "R-27")]
    public async Task A_late_claim_leaves_what_is_not_older()
    {
        var redis = new ModelRedis();
        using ModelNode a = new(redis), b = new(redis);
        foreach (ModelNode node in (ModelNode[])[a, b])
        {
            node.Connect();
            node.ReadLog();
        }
        static Entry Made(ModelNode node, string value)
        {
            Stamp stamp = node.Cache.BeginFill();
            Assert.Equal(Reason.None, node.Cache.Store("k\nv", value, new() { Ttl = TimeSpan.FromHours(1) }, stamp));
            return node.Cache.Memory.Find("k\nv")!;
        }
        Position began = new(a.Follower.Epoch, 0);
        SlotClaim? first = await LateClaims.TakeAsync(a.Tier.Reads, Made(a, "1"), began);
        Assert.Equal(began, first!.Stamp);
        // A ticket is replaced: whoever put it there may be as late.
        SlotClaim? second = await LateClaims.TakeAsync(b.Tier.Reads, Made(b, "2"), began);
        Assert.Equal(first.Identity, second!.Identity);
        await b.Tier.Writes.StoreNowAsync(b.Cache.Memory.Find("k\nv")!, second);
        Assert.Null(await LateClaims.TakeAsync(a.Tier.Reads, Made(a, "3"), began));
        Assert.Null(await LateClaims.TakeAsync(a.Tier.Reads, Made(a, "3"), new(began.Epoch + 1, 0)));
        // What may not be used is in nobody's way.
        await b.Cache.InvalidateAsync(Invalidation.Prefix("k"));
        a.ReadLog();
        Assert.NotNull(await LateClaims.TakeAsync(a.Tier.Reads, Made(a, "4"), began));
    }

    [Fact]
    [Trait("clause", "R-20"), Trait("clause", "R-27")]
    public async Task What_is_set_under_a_derived_key_enters_Redis_as_an_event_only()
    {
        var redis = new ModelRedis();
        using ModelNode a = new(redis);
        a.Connect();
        a.ReadLog();
        await a.Cache.SetAsync("k\nv", "1");
        Assert.Equal(new RemoteState(a.Follower.Epoch, 1, 1, 0), redis.Run(r => r.State()));
        Assert.Equal(0u, redis.Run(r => r.Get("k\nv")).Identity);
        await a.Cache.SetAsync("k", "1");
        Assert.Equal(new RemoteState(a.Follower.Epoch, 2, 1, 2), redis.Run(r => r.State()));
        Assert.NotEqual(0u, redis.Run(r => r.Get("k")).Identity);
    }
}
