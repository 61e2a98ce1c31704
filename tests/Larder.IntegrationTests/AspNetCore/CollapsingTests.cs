using System.Collections.Concurrent;
using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Many clients, one request to the origin.</summary>
public sealed class CollapsingTests
{
    [Fact]
    public async Task Fifty_misses_at_once_ask_the_origin_once()
    {
        for (int trial = 0; trial < 10; trial++)
        {
            var counter = new Counter();
            await using Site site = await Site.StartAsync(async context =>
            {
                await Task.Yield();
                context.Response.Headers.CacheControl = "max-age=60";
                await context.Response.WriteAsync(counter.Next());
            });
            Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => site.GetAsync("/")));
            Assert.All(answers, answer => Assert.Equal("v1", answer.Body));
            Assert.Equal(1, counter.Calls);
            Assert.Equal(1, answers.Count(a => a.XCache == "MISS"));
            Assert.All(answers, answer => Assert.Contains(answer.XCache, new[] { "MISS", "COALESCED", "HIT" }));
            Assert.Equal(50, site.Count(Reason.MissCold) + site.Count(Reason.Coalesced) + site.Count(Reason.HitMemory));
        }
    }

    [Fact]
    public async Task Those_who_wait_say_so()
    {
        await using var gated = await Gated.StartAsync();
        Task<Answer>[] all = await gated.ArriveAsync(5);
        gated.Open();
        Answer[] answers = await Task.WhenAll(all);
        Assert.Single(answers, a => a.XCache == "MISS");
        Assert.All(answers.Where(a => a.XCache == "COALESCED"), a => Assert.Equal("larder; fwd=uri-miss; collapsed; detail=coalesced", a.CacheStatus));
    }

    [Fact]
    public async Task When_the_first_is_aborted_the_others_get_answers_from_one_more_call()
    {
        await using var gated = await Gated.StartAsync();
        using RawClient first = await RawClient.ConnectAsync(gated.Site.Address);
        await first.Wire.SendAsync($"GET / HTTP/1.1\r\nHost: {gated.Site.Address.Authority}\r\n\r\n");
        await gated.Begun.WaitAsync();
        Task<Answer>[] others = [.. Enumerable.Range(0, 10).Select(_ => gated.Site.GetAsync("/"))];
        await gated.EnteredAsync(11);
        first.Reset();
        await gated.Begun.WaitAsync();
        gated.Open();
        Answer[] answers = await Task.WhenAll(others);
        Assert.All(answers, a => Assert.Equal("v2", a.Body));
        Assert.Equal(2, gated.Counter.Calls);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task A_herd_on_a_failing_origin_asks_it_once_and_the_failure_is_not_stored(bool throws)
    {
        int calls = 0, entered = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("broken")));
            app.Use((context, next) =>
            {
                Interlocked.Increment(ref entered);
                return next(context);
            });
            app.UseLarder();
            app.Run(async context =>
            {
                Interlocked.Increment(ref calls);
                await gate.Task;
                if (throws) throw new InvalidOperationException();
                context.Response.StatusCode = 503;
                await context.Response.WriteAsync("for the first one's eyes");
            });
        }, accounts: false);
        Task<Answer>[] herd = [.. Enumerable.Range(0, 200).Select(_ => site.GetAsync("/"))];
        while (Volatile.Read(ref entered) < 200) await Task.Yield();
        gate.SetResult();
        Answer[] answers = await Task.WhenAll(herd);
        // One more may have come just when the first one was done.
        Assert.InRange(calls, 1, 2);
        Assert.All(answers, answer => Assert.Equal(throws ? 500 : 503, answer.Status));
        Answer[] shared = [.. answers.Where(answer => answer.CacheStatus.Contains("collapsed", StringComparison.Ordinal))];
        Assert.InRange(shared.Length, 190, 199);
        Assert.All(shared, answer => Assert.DoesNotContain("eyes", answer.Body, StringComparison.Ordinal));
        int before = calls;
        await site.GetAsync("/");
        Assert.Equal(before + 1, calls);
    }

    [Fact]
    public async Task A_failure_that_an_odd_request_got_is_its_own()
    {
        int calls = 0, entered = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                Interlocked.Increment(ref entered);
                return next(context);
            });
            app.UseLarder();
            app.Run(async context =>
            {
                Interlocked.Increment(ref calls);
                await gate.Task;
                if (context.Request.Headers["X-Odd"].Count > 0) context.Response.StatusCode = 500;
                else context.Response.Headers.CacheControl = "max-age=60";
                await context.Response.WriteAsync("x");
            });
        });
        Task<Answer> attacker = site.GetAsync("/", ("X-Odd", "1"));
        while (Volatile.Read(ref calls) < 1) await Task.Yield();
        Task<Answer>[] others = [.. Enumerable.Range(0, 10).Select(_ => site.GetAsync("/"))];
        while (Volatile.Read(ref entered) < 11) await Task.Yield();
        gate.SetResult();
        Assert.Equal(500, (await attacker).Status);
        Assert.All(await Task.WhenAll(others), answer => Assert.Equal((200, "x"), (answer.Status, answer.Body)));
    }

    [Fact]
    public async Task One_who_waits_may_leave()
    {
        await using var gated = await Gated.StartAsync();
        Task<Answer> first = gated.Site.GetAsync("/");
        await gated.Begun.WaitAsync();
        using (RawClient follower = await RawClient.ConnectAsync(gated.Site.Address))
        {
            await follower.Wire.SendAsync($"GET / HTTP/1.1\r\nHost: {gated.Site.Address.Authority}\r\n\r\n");
            await gated.EnteredAsync(2);
            follower.Reset();
        }
        await gated.LeftAsync(1);
        gated.Open();
        (await first).Is("MISS", "v1");
        (await gated.Site.GetAsync("/")).Is("HIT", "v1");
    }

    [Theory]
    [InlineData("no-store"), InlineData("private")]
    public async Task An_answer_that_is_not_stored_lets_the_others_go_at_its_headers(string cacheControl)
    {
        var counter = new Counter();
        var firstHeaders = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        await using Site site = await Site.StartAsync(async context =>
        {
            string version = counter.Next();
            context.Response.Headers.CacheControl = cacheControl;
            if (version == "v1") await firstHeaders.Task;
            await context.Response.WriteAsync($"{version} {context.Request.Headers["X-User"]}");
            if (version == "v1") await end.Task;
        });
        Task<Answer> first = site.GetAsync("/", ("X-User", "a"));
        while (counter.Calls == 0) await Task.Yield();
        Task<Answer>[] others = [.. Enumerable.Range(0, 10).Select(i => site.GetAsync("/", ("X-User", $"b{i}")))];
        firstHeaders.SetResult();
        Answer[] answers = await Task.WhenAll(others);
        for (int i = 0; i < others.Length; i++) Assert.EndsWith($" b{i}", answers[i].Is("MISS").Body, StringComparison.Ordinal);
        Assert.False(first.IsCompleted);
        end.SetResult();
        Assert.Equal("v1 a", (await first).Body);
        Assert.Equal(11, counter.Calls);
    }

    [Fact]
    public async Task Two_users_in_one_flight_get_their_own_answers()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(async context =>
        {
            counter.Next();
            await Task.Yield();
            context.Response.Headers.CacheControl = "max-age=60";
            await context.Response.WriteAsync($"{context.Request.Headers.Cookie}");
        });
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => site.GetAsync("/", ("Cookie", $"u{i}"))));
        for (int i = 0; i < answers.Length; i++) Assert.Equal($"u{i}", answers[i].Body);
    }

    [Fact]
    public async Task Requests_with_cookies_do_not_end_the_waiting_of_those_without()
    {
        await using var gated = await Gated.StartAsync();
        gated.Open();
        Assert.Contains("unstored-credentials", (await gated.Site.GetAsync("/", ("Cookie", "a"))).CacheStatus, StringComparison.Ordinal);
        gated.Close();
        Task<Answer>[] all = await gated.ArriveAsync(10);
        gated.Open();
        await Task.WhenAll(all);
        Assert.Equal(2, gated.Counter.Calls);
    }

    [Fact]
    public async Task Nobody_waits_in_a_queue_for_what_must_be_validated_each_time()
    {
        int calls = 0;
        var gate = new TaskCompletionSource();
        var both = new CountdownEvent(2);
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "no-cache";
            context.Response.Headers.ETag = "\"a\"";
            if (Interlocked.Increment(ref calls) > 1)
            {
                both.Signal();
                await gate.Task;
                context.Response.StatusCode = 304;
                return;
            }
            await context.Response.WriteAsync("body");
        });
        (await site.GetAsync("/")).Is("MISS", "body");
        Task<Answer>[] two = [site.GetAsync("/"), site.GetAsync("/")];
        Assert.True(await Task.Run(() => both.Wait(TimeSpan.FromSeconds(30))));
        gate.SetResult();
        foreach (Answer answer in await Task.WhenAll(two)) answer.Is("REVALIDATED", "body");
    }

    [Theory]
    [InlineData("text/plain"), InlineData("text/event-stream; charset=utf-8")]
    public async Task A_body_without_end_does_not_hold_up_the_others(string contentType)
    {
        var counter = new Counter();
        var end = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.ContentType = contentType;
            context.Response.Headers.CacheControl = "max-age=60";
            string version = counter.Next();
            await context.Response.WriteAsync(version);
            begun.TrySetResult();
            if (version == "v1") await end.Task;
        });
        Task<Answer> first = site.GetAsync("/");
        await begun.Task;
        Task<Answer> second = site.GetAsync("/");
        TimeSpan patience = TimeSpan.FromSeconds(5);
        if (contentType == "text/plain")
        {
            while (site.Time.Waiting(patience) == 0) await Task.Yield();
            site.Time.Advance(5);
        }
        (await second).Is("MISS", "v2");
        end.SetResult();
        (await first).Is("MISS", "v1");
    }

    [Fact]
    public async Task What_outgrows_the_limit_lets_the_others_go_at_once()
    {
        var counter = new Counter();
        var end = new TaskCompletionSource();
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            string version = counter.Next();
            await context.Response.WriteAsync(version);
            await context.Response.WriteAsync(new string('x', 20_000));
            if (version == "v1") await end.Task;
        }, rules => rules.MaxBodyBytes = 10_000);
        Task<Answer> first = site.GetAsync("/");
        while (counter.Calls == 0) await Task.Yield();
        Assert.StartsWith("v2x", (await site.GetAsync("/")).Is("MISS").Body, StringComparison.Ordinal);
        end.SetResult();
        await first;
        Assert.Equal(2, site.Count(Reason.UnstoredTooLarge));
    }

    [Fact]
    public async Task Variants_that_wait_for_each_other_get_their_own()
    {
        await using Site site = await Site.StartAsync(async context =>
        {
            await Task.Yield();
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.Vary = "X-A";
            await context.Response.WriteAsync($"of {context.Request.Headers["X-A"]}");
        });
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => site.GetAsync("/", ("X-A", $"{i % 6}"))));
        for (int i = 0; i < answers.Length; i++) Assert.Equal($"of {i % 6}", answers[i].Body);
    }

    [Fact]
    public async Task Who_waits_fetches_again_when_the_first_was_overtaken_by_an_invalidation()
    {
        await using var gated = await Gated.StartAsync();
        Task<Answer>[] all = await gated.ArriveAsync(5);
        await gated.Site.Cache.InvalidateAsync(Invalidation.Glob("/*"));
        gated.Open();
        Answer[] answers = await Task.WhenAll(all);
        Assert.Single(answers, a => a.Body == "v1");
        Assert.Equal(1, gated.Site.Count(Reason.UnstoredOvertaken));
        Assert.Equal("v2", (await gated.Site.GetAsync("/")).Body);
    }

    /// <summary>Fault 27: a read that begins after an invalidation was acknowledged sees what was true then, or newer.</summary>
    [Fact]
    public async Task An_invalidation_during_a_fill_is_never_outlived()
    {
        Assert.Equal(0, await StaleReadsAsync(naive: false));
    }

    [Fact]
    public async Task A_naive_cache_fails_the_same_trial() => Assert.NotEqual(0, await StaleReadsAsync(naive: true));

    private static async Task<int> StaleReadsAsync(bool naive)
    {
        const int Trials = 2000;
        int version = 0;
        var naiveCache = new ConcurrentDictionary<string, string>();
        await using Site site = await Site.StartAsync(app =>
        {
            if (naive) app.Use(async (context, next) =>
            {
                if (naiveCache.TryGetValue("/", out string? body))
                {
                    await context.Response.WriteAsync(body);
                    return;
                }
                await next(context);
            });
            else app.UseLarder();
            app.Run(async context =>
            {
                // Slow enough that an invalidation often comes between reading and storing.
                int read = Volatile.Read(ref version);
                for (int i = 0; i < 50 && read == Volatile.Read(ref version); i++) await Task.Yield();
                string body = $"{read}";
                if (naive) naiveCache["/"] = body;
                context.Response.Headers.CacheControl = "max-age=600";
                await context.Response.WriteAsync(body);
            });
        }, accounts: !naive);
        int stale = 0;
        int known = 0;
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                int least = Volatile.Read(ref known);
                if (int.Parse((await site.GetAsync("/")).Body, System.Globalization.CultureInfo.InvariantCulture) < least) Interlocked.Increment(ref stale);
            }
        }))];
        for (int trial = 1; trial <= Trials; trial++)
        {
            Volatile.Write(ref version, trial);
            if (naive) naiveCache.Clear();
            else await site.Cache.InvalidateAsync(trial % 2 == 0 ? Invalidation.Glob("/*") : Invalidation.Key($"{site.Address.GetLeftPart(UriPartial.Authority)}/"));
            Volatile.Write(ref known, trial);
            if (int.Parse((await site.GetAsync("/")).Body, System.Globalization.CultureInfo.InvariantCulture) < trial) Interlocked.Increment(ref stale);
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        return stale;
    }

    /// <summary>An origin that answers when it is told to.</summary>
    private sealed class Gated : IAsyncDisposable
    {
        private volatile TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _entered;
        private int _left;

        public required Site Site { get; init; }

        public Counter Counter { get; } = new();

        public SemaphoreSlim Begun { get; } = new(0);

        public static async Task<Gated> StartAsync()
        {
            Gated? own = null;
            Site site = await Site.StartAsync(app =>
            {
                app.Use(async (context, next) =>
                {
                    Interlocked.Increment(ref own!._entered);
                    await next(context);
                    Interlocked.Increment(ref own._left);
                });
                app.UseLarder();
                app.Run(context => own!.AnswerAsync(context));
            });
            return own = new() { Site = site };
        }

        public void Open() => _gate.TrySetResult();

        public void Close() => _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Sends so many requests and waits until they are all in the pipeline.</summary>
        public async Task<Task<Answer>[]> ArriveAsync(int count)
        {
            int before = Volatile.Read(ref _entered);
            Task<Answer>[] all = [.. Enumerable.Range(0, count).Select(_ => Site.GetAsync("/"))];
            await EnteredAsync(before + count);
            return all;
        }

        public async Task EnteredAsync(int count)
        {
            while (Volatile.Read(ref _entered) < count) await Task.Yield();
        }

        public async Task LeftAsync(int count)
        {
            while (Volatile.Read(ref _left) < count) await Task.Yield();
        }

        public ValueTask DisposeAsync()
        {
            Open();
            return Site.DisposeAsync();
        }

        private async Task AnswerAsync(HttpContext context)
        {
            string version = Counter.Next();
            Begun.Release();
            await _gate.Task.WaitAsync(context.RequestAborted);
            context.Response.Headers.CacheControl = "max-age=60";
            await context.Response.WriteAsync(version);
        }
    }
}
