using Larder.AspNetCore;
using Larder.Tests.Remote;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http;

/// <summary>What one node has stored answers the others, under the rules by which it would have answered its own clients.</summary>
[Trait("clause", "R-27")]
public sealed class SharedResponsesTests
{
    private int _version;

    private RequestDelegate Numbered(params (string Name, string Value)[] headers) => context =>
    {
        foreach ((string name, string value) in headers) context.Response.Headers.Append(name, value);
        return context.Response.WriteAsync($"v{Interlocked.Increment(ref _version)}");
    };

    [Fact]
    [Trait("clause", "R-18")]
    public async Task What_one_node_stored_answers_another_as_it_was_received()
    {
        byte[] body = new byte[200_000];
        new Random(1).NextBytes(body);
        await using var site = new ModelSite(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=600";
            context.Response.Headers.ContentType = "application/octet-stream";
            context.Response.Headers.Append("X-Two", new(["a", "b"]));
            context.Response.Headers.Append("X-Umlaut-Not", "plain");
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseFeature>()!.ReasonPhrase = "Fine";
            await context.Response.Body.WriteAsync(body);
        });
        HttpNode a = await site.AddAsync(), b = await site.AddAsync(), c = await site.AddAsync(), d = await site.AddAsync();
        HttpAnswer first = await a.GetAsync("/x?y=1");
        Assert.Equal(("MISS", "miss-cold"), (first["X-Cache"], first.Reason));
        await site.WrittenAsync();
        HttpAnswer shared = await b.GetAsync("/x?y=1"), again = await b.GetAsync("/x?y=1");
        Assert.Equal(("HIT", "hit-redis", "HIT", ""), (shared["X-Cache"], shared.Reason, again["X-Cache"], again.Reason));
        foreach (HttpAnswer answer in (HttpAnswer[])[shared, again])
        {
            Assert.Equal(body, answer.Bytes);
            Assert.Equal((200, "Fine", "a, b"), (answer.Status, answer.ReasonPhrase, answer["X-Two"]));
            foreach (string name in (string[])["Content-Type", "Cache-Control", "X-Umlaut-Not", "ETag", "Date", "Content-Length"]) Assert.Equal((await a.GetAsync("/x?y=1"))[name], answer[name]);
        }
        HttpAnswer head = await c.SendAsync("HEAD", "/x?y=1"), part = await d.GetAsync("/x?y=1", ("Range", "bytes=70000-70009"));
        Assert.Equal(("hit-redis", "200000", 0), (head.Reason, head["Content-Length"], head.Bytes.Length));
        Assert.Equal((206, "hit-redis"), (part.Status, part.Reason));
        Assert.Equal(body[70_000..70_010], part.Bytes);
        Assert.Equal(1, site.Calls);
        Assert.Equal(1, site.ModelOf(b).Cache.ReasonCounts["hit-redis"]);
    }

    [Fact]
    public async Task Variants_are_found_by_the_list_that_another_node_made()
    {
        await using var site = new ModelSite(context =>
        {
            context.Response.Headers.CacheControl = "max-age=600";
            context.Response.Headers.Vary = "Accept-Language";
            return context.Response.WriteAsync(context.Request.Headers.AcceptLanguage + "!");
        });
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        (string, string) german = ("Accept-Language", "de"), french = ("Accept-Language", "fr");
        Assert.Equal("MISS miss-cold de!", (await a.GetAsync("/", german)).How);
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis de!", (await b.GetAsync("/", german)).How);
        Assert.Equal("MISS miss-vary fr!", (await b.GetAsync("/", french)).How);
        await site.WrittenAsync();
        // Its own list is in memory; the variant is not.
        Assert.Equal("HIT hit-redis fr!", (await a.GetAsync("/", french)).How);
        Assert.Equal("HIT  de!", (await b.GetAsync("/", german)).How);
        Assert.Equal(2, site.Calls);
    }

    [Fact]
    public async Task Private_answers_are_for_their_user_on_every_node()
    {
        await using var site = new ModelSite(
            context => context.Response.WriteAsync("of " + context.Request.Headers["X-User"]), http => http.Cache("/mine", TimeSpan.FromMinutes(5), RuleScope.Private));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        Assert.Equal("MISS miss-cold of ann", (await a.GetAsync("/mine", ("X-User", "ann"), ("Cookie", "c=1"))).How);
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis of ann", (await b.GetAsync("/mine", ("X-User", "ann"), ("Cookie", "c=2"))).How);
        Assert.Equal("MISS miss-cold of bob", (await b.GetAsync("/mine", ("X-User", "bob"))).How);
        Assert.Equal("BYPASS bypass-user of ", (await b.GetAsync("/mine")).How);
        await a.SendAsync("PUT", "/mine", ("X-User", "ann"));
        site.ReadLogs();
        Assert.Equal("miss-invalidated", (await b.GetAsync("/mine", ("X-User", "ann"))).Reason);
    }

    [Fact]
    public async Task Answers_that_must_not_be_shared_or_demand_authorization_are_judged_as_where_they_were_stored()
    {
        await using var site = new ModelSite(context =>
        {
            if (context.Request.Path == "/guarded") HttpNode.DemandAuthorization(context);
            return Numbered(("Cache-Control", "max-age=600"))(context);
        });
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        await a.GetAsync("/");
        await a.GetAsync("/guarded", ("X-Authorized", "1"));
        await site.WrittenAsync();
        Assert.Equal("BYPASS bypass-credentials v3", (await b.GetAsync("/", ("Cookie", "c=1"))).How);
        Assert.Equal("HIT  v1", (await b.GetAsync("/")).How);
        Assert.Equal("BYPASS bypass-authorization v4", (await b.GetAsync("/guarded")).How);
        Assert.Equal("HIT  v2", (await b.GetAsync("/guarded", ("X-Authorized", "1"))).How);
    }

    [Fact]
    public async Task What_was_stored_under_other_rules_is_a_miss()
    {
        static void Rules(HttpCacheOptions http, string tag) => http.Cache("/x", TimeSpan.FromMinutes(5), tags: tag);
        await using var site = new ModelSite(Numbered());
        HttpNode a = await site.AddAsync(new ModelNode(site.Redis), http => Rules(http, "t")), other = await site.AddAsync(new ModelNode(site.Redis), http => Rules(http, "u"));
        HttpNode alike = await site.AddAsync(new ModelNode(site.Redis), http => Rules(http, "t"));
        await a.GetAsync("/x");
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis v1", (await alike.GetAsync("/x")).How);
        Assert.Equal("MISS miss-cold v2", (await other.GetAsync("/x")).How);
    }

    /// <summary>A node whose wall clock is wrong; it runs as fast as the others.</summary>
    private sealed class WrongTime(TimeProvider time, TimeSpan by) : TimeProvider
    {
        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + by;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-300)]
    [InlineData(300)]
    [Trait("clause", "R-31")]
    public async Task Age_goes_on_from_node_to_node_whatever_their_clocks_say(int wrongBy)
    {
        var time = new ManualTimeProvider();
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=100"), ("Age", "20")), time: time);
        HttpNode a = await site.AddAsync();
        Assert.Equal("v1", (await a.GetAsync("/x")).Body);
        await site.WrittenAsync();
        // A node that was not there when it was stored: its own clock began later.
        site.Advance(time, 30);
        var wrong = new WrongTime(time, TimeSpan.FromSeconds(wrongBy));
        HttpNode b = await site.AddAsync(new ModelNode(site.Redis, time: wrong), time: wrong);
        HttpAnswer shared = await b.GetAsync("/x");
        Assert.Equal("HIT hit-redis v1", shared.How);
        Assert.Equal("larder; hit; ttl=50; detail=hit-redis", shared["Cache-Status"]);
        site.Advance(time, 49.5);
        Assert.Equal(("99", "v1"), ((await b.GetAsync("/x"))["Age"], (await b.GetAsync("/x")).Body));
        site.Advance(time, 0.5);
        Assert.Equal("MISS miss-expired v2", (await b.GetAsync("/x")).How);
    }

    [Fact]
    public async Task What_is_stale_in_Redis_is_validated_and_stored_anew()
    {
        var time = new ManualTimeProvider();
        int status = 0;
        await using var site = new ModelSite(context =>
        {
            if (status != 0) context.Response.StatusCode = status;
            else if (context.Request.Headers.IfNoneMatch == "\"e\"") context.Response.StatusCode = 304;
            context.Response.Headers.ETag = "\"e\"";
            context.Response.Headers.CacheControl = "max-age=10, stale-if-error=1000";
            return context.Response.StatusCode == 304 ? Task.CompletedTask : context.Response.WriteAsync("body");
        }, time: time);
        HttpNode a = await site.AddAsync(), b = await site.AddAsync(), c = await site.AddAsync(), d = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        site.Advance(time, 20);
        status = 500;
        Assert.Equal("STALE stale-error body", (await d.GetAsync("/x")).How);
        status = 0;
        Assert.Equal("REVALIDATED revalidated body", (await b.GetAsync("/x")).How);
        await site.WrittenAsync();
        HttpAnswer fresh = await c.GetAsync("/x");
        Assert.Equal(("HIT hit-redis body", "0"), (fresh.How, fresh["Age"]));
        Assert.Equal(3, site.Calls);
        // What has been stale there in memory gives way to what another node has confirmed.
        Assert.Equal("HIT hit-redis body", (await a.GetAsync("/x")).How);
    }

    [Fact]
    public async Task What_is_stale_in_Redis_is_served_while_it_is_refreshed()
    {
        var time = new ManualTimeProvider();
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=10, stale-while-revalidate=1000")), time: time);
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        site.Advance(time, 20);
        Assert.Equal("STALE stale v1", (await b.GetAsync("/x")).How);
        await Eventually.True(() => site.Calls == 2);
        await Eventually.True(() => site.ModelOf(b).Cache.Memory.Find("http://site.test/x") is { Value: StoredResponse });
        await site.WrittenAsync();
        Assert.Equal("HIT  v2", (await b.GetAsync("/x")).How);
        // The other node's refresh finds what was refreshed.
        Assert.Equal("STALE stale v1", (await a.GetAsync("/x")).How);
        await Eventually.True(() => site.ModelOf(a).Cache.Memory.Find("http://site.test/x") is { Value: LoadedValue });
        Assert.Equal("HIT  v2", (await a.GetAsync("/x")).How);
        Assert.Equal(2, site.Calls);
    }

    [Fact]
    public async Task Only_if_cached_is_answered_from_Redis_too()
    {
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=600")));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        Assert.Equal(504, (await b.GetAsync("/x", ("Cache-Control", "only-if-cached"))).Status);
        Assert.Equal(0u, site.Redis.Run(redis => redis.Get("http://site.test/x")).Identity);
        await a.GetAsync("/x");
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis v1", (await b.GetAsync("/x", ("Cache-Control", "only-if-cached"))).How);
    }

    [Fact]
    public async Task What_is_too_large_for_Redis_stays_in_memory_with_a_reason()
    {
        await using var site = new ModelSite(context =>
        {
            context.Response.Headers.CacheControl = "max-age=600";
            return context.Response.WriteAsync(new string('x', context.Request.Path == "/large" ? 20_000 : 2));
        });
        HttpNode a = await site.AddAsync(new ModelNode(site.Redis, maxEntryBytes: 10_000)), b = await site.AddAsync();
        await a.GetAsync("/small");
        await a.GetAsync("/large");
        await site.WrittenAsync();
        Assert.Equal(("HIT", "hit-redis"), ((await a.GetAsync("/large"))["X-Cache"], (await b.GetAsync("/small")).Reason));
        Assert.Equal("miss-cold", (await b.GetAsync("/large")).Reason);
        Assert.Equal(1, site.ModelOf(a).Cache.ReasonCounts["unstored-redis"]);
    }

    [Fact]
    public async Task Long_URLs_are_shared_and_end_by_their_tag()
    {
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=600")));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        string[] paths = ["/x?" + new string('q', 1500), "/x?" + new string('q', 7900)];
        await a.GetAsync("/bystander");
        foreach (string path in paths)
        {
            await a.GetAsync(path);
            await site.WrittenAsync();
            Assert.Equal("hit-redis", (await b.GetAsync(path)).Reason);
            await a.SendAsync("POST", path);
            site.ReadLogs();
            Assert.Equal("MISS", (await b.GetAsync(path))["X-Cache"]);
        }
        // An event that does not fit into the log would have ended this, too.
        Assert.Equal("HIT", (await a.GetAsync("/bystander"))["X-Cache"]);
    }

    [Fact]
    public async Task Of_many_requests_at_once_one_asks_Redis()
    {
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=600")));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        int commands = 0;
        var asked = new TaskCompletionSource();
        var others = new TaskCompletionSource();
        site.ModelOf(b).Before = _ =>
        {
            Interlocked.Increment(ref commands);
            asked.TrySetResult();
            return others.Task;
        };
        Task<HttpAnswer> first = b.GetAsync("/x");
        await asked.Task;
        Task<HttpAnswer>[] rest = [.. Enumerable.Range(0, 20).Select(_ => b.GetAsync("/x"))];
        // Those that come while it asks wait for it, those that come later hit: either way nobody else asks.
        others.SetResult();
        Assert.Equal("HIT hit-redis v1", (await first).How);
        Assert.All(await Task.WhenAll(rest), answer => Assert.True(answer.How is "COALESCED coalesced v1" or "HIT  v1", answer.How));
        Assert.Equal((1, 1), (commands, site.Calls));
    }

    [Fact]
    public async Task Answers_that_are_not_stored_do_not_ask_Redis_each_time_and_hits_never_do()
    {
        await using var site = new ModelSite(context => Numbered(("Cache-Control", context.Request.Path == "/no" ? "no-store" : "max-age=600"))(context));
        HttpNode a = await site.AddAsync();
        int commands = 0;
        site.ModelOf(a).Before = _ => Task.FromResult(Interlocked.Increment(ref commands));
        for (int i = 0; i < 5; i++) await a.GetAsync("/no");
        Assert.Equal(1, commands);
        await a.GetAsync("/yes");
        await site.WrittenAsync();
        Assert.Equal(3, commands);
        for (int i = 0; i < 5; i++) Assert.Equal("HIT", (await a.GetAsync("/yes"))["X-Cache"]);
        Assert.Equal(3, commands);
    }

    [Fact]
    public async Task Without_Redis_the_origin_answers_and_memory_keeps_it()
    {
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=600")));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync();
        site.ModelOf(a).IsAway = true;
        Assert.Equal("MISS miss-cold v1", (await a.GetAsync("/x")).How);
        Assert.Equal("HIT  v1", (await a.GetAsync("/x")).How);
        site.ModelOf(b).Follower.End();
        Assert.Equal("MISS miss-cold v2", (await b.GetAsync("/x")).How);
        // A write holds here, and is sent when Redis is back.
        Assert.Equal(200, (await a.SendAsync("POST", "/x")).Status);
        Assert.Equal("MISS miss-invalidated v4", (await a.GetAsync("/x")).How);
        site.ModelOf(a).IsAway = false;
        site.ModelOf(a).Tier.Events.SendWaiting();
        await Eventually.True(() => site.Redis.Run(redis => redis.State().Last) == 2);
    }

    [Fact]
    [Trait("clause", "R-9"), Trait("clause", "R-29")]
    public async Task A_purge_by_tag_on_one_node_ends_what_all_have()
    {
        await using var site = new ModelSite(Numbered(("Vary", "Accept")), http => http.Cache("/x", TimeSpan.FromMinutes(5), tags: "t"));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync(), c = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        Assert.Equal("hit-redis", (await b.GetAsync("/x")).Reason);
        InvalidationResult purged = await site.ModelOf(a).Cache.InvalidateAsync(Invalidation.Tag("t"));
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Logged), (purged.Status, purged.Reach));
        site.ReadLogs();
        // Nothing of before, neither from memory nor from Redis; and what is made now is shared again.
        Assert.Equal("v2", (await c.GetAsync("/x")).Body);
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis v2", (await b.GetAsync("/x")).How);
        Assert.Equal("HIT hit-redis v2", (await a.GetAsync("/x")).How);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("clause", "R-19"), Trait("clause", "R-21")]
    public async Task A_write_on_one_node_ends_what_all_have(bool varies)
    {
        await using var site = new ModelSite(Numbered([("Cache-Control", "max-age=600"), .. varies ? [("Vary", "Accept")] : Array.Empty<(string, string)>()]));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync(), c = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        await b.GetAsync("/x");
        await b.SendAsync("DELETE", "/x");
        site.ReadLogs();
        Assert.Equal("v3", (await c.GetAsync("/x")).Body);
        Assert.Equal("v4", (await a.SendAsync("POST", "/y", ("Accept", "*/*"))).Body);
        await site.WrittenAsync();
        Assert.Equal(("v3", "v3"), ((await a.GetAsync("/x")).Body, (await b.GetAsync("/x")).Body));
    }

    [Fact]
    [Trait("clause", "R-19")]
    public async Task The_events_of_a_write_are_on_their_way_together_and_all_of_them_before_its_answer()
    {
        await using var site = new ModelSite(
            context =>
            {
                context.Response.Headers.Location = "/made";
                return context.Response.WriteAsync("done");
            },
            http => http.Invalidate("POST", "/x", "t", "u"));
        HttpNode a = await site.AddAsync();
        // Unlinks of two keys, and the events of two URLs' tags and of two tags.
        int waiting = 0;
        var all = new TaskCompletionSource();
        site.ModelOf(a).Before = _ =>
        {
            if (Interlocked.Increment(ref waiting) == 6) all.SetResult();
            return all.Task;
        };
        Assert.Equal("done", (await a.SendAsync("POST", "/x")).Body);
        Assert.Equal(6, site.Redis.Run(redis => redis.State().Last));
    }

    [Fact]
    public async Task What_can_not_be_read_is_a_miss_and_is_replaced()
    {
        await using var site = new ModelSite(Numbered(("Cache-Control", "max-age=600")));
        HttpNode a = await site.AddAsync(), b = await site.AddAsync(), c = await site.AddAsync();
        await a.GetAsync("/x");
        await site.WrittenAsync();
        site.Redis.Run(redis =>
        {
            (UInt128 identity, byte[] stored) = redis.Get("http://site.test/x");
            // A later version of what is inside of a whole entry: the body is the last part, before the checksum.
            Span<byte> entry = stored.AsSpan(RemoteReads.ServerBytes);
            Assert.Equal(WireOutcome.Done, WireFormat.Read(stored.AsMemory(RemoteReads.ServerBytes), null, new(1 << 20, 1000), out WireEntry read));
            entry[entry.Length - WireFormat.ChecksumBytes - read.Body.Length]++;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(entry[^4..], Crc32C.Of(entry[..^4]));
            return redis.Replace("http://site.test/x", identity, stored);
        });
        Assert.Equal("MISS miss-cold v2", (await b.GetAsync("/x")).How);
        await site.WrittenAsync();
        Assert.Equal("HIT hit-redis v2", (await c.GetAsync("/x")).How);
    }
}
