using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using System.Buffers;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.IntegrationTests.Http;

/// <summary>What is stale: in place of errors, and while it is refreshed.</summary>
public sealed class StalenessTests
{
    [Theory]
    [InlineData(500), InlineData(502), InlineData(503), InlineData(504)]
    public async Task Stale_if_error_stands_in_for_an_error_within_its_window(int error)
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60, stale-if-error=100";
            if (++calls > 1) context.Response.StatusCode = error;
            context.Response.Headers["X-Call"] = $"{calls}";
            return context.Response.WriteAsync(calls > 1 ? "error" : "good");
        });
        (await site.GetAsync("/")).Is("MISS", "good");
        site.Time.Advance(100);
        Answer stale = (await site.GetAsync("/")).Is("STALE", "good");
        Assert.Equal(("larder; hit; ttl=-40; detail=stale-error", "100", "1"), (stale.CacheStatus, stale["Age"], stale["X-Call"]));
        site.Time.Advance(61);
        (await site.GetAsync("/")).Is("MISS", "error", error);
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task It_stands_in_for_a_handler_that_throws_before_it_answers()
    {
        bool broken = false;
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60, stale-if-error=100";
            context.Response.Headers["X-Broken"] = "1";
            if (!broken) context.Response.Headers.Remove("X-Broken");
            context.Response.BodyWriter.Write("half"u8);
            if (broken) throw new InvalidOperationException();
            await context.Response.CompleteAsync();
        });
        (await site.GetAsync("/")).Is("MISS", "half");
        broken = true;
        site.Time.Advance(61);
        Assert.Null((await site.GetAsync("/")).Is("STALE", "half")["X-Broken"]);
        site.Time.Advance(1000);
        Assert.Equal(500, (await site.GetAsync("/")).Status);
    }

    [Theory]
    [InlineData("max-age=60", 200)]
    [InlineData("max-age=60, must-revalidate", 502)]
    [InlineData("max-age=60, proxy-revalidate, stale-if-error=1000", 502)]
    [InlineData("s-maxage=60", 502)]
    [InlineData("s-maxage=60, stale-if-error=1000", 200)]
    [InlineData("no-cache", 502)]
    public async Task An_origin_that_cannot_be_reached_is_replaced_where_the_answer_allows(string cacheControl, int status)
    {
        bool reachable = true;
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = cacheControl;
            context.Response.Headers.ETag = "\"a\"";
            if (reachable) return context.Response.WriteAsync("good");
            context.Features.Set<IOriginFailureFeature>(new Failure());
            context.Response.StatusCode = 502;
            return context.Response.WriteAsync("unreachable");
        });
        (await site.GetAsync("/")).Is("MISS", "good");
        reachable = false;
        site.Time.Advance(61);
        (await site.GetAsync("/")).Is(status == 200 ? "STALE" : "ERROR", status == 200 ? "good" : "unreachable", status);
        Assert.Equal(status == 200 ? 0 : 1, site.Count(Reason.ErrorUnreachable));
        reachable = true;
        Assert.Equal(200, (await site.GetAsync("/")).Status);
    }

    [Fact]
    public async Task The_windows_of_a_rule_hold_where_the_answer_is_silent()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            if (++calls > 1) context.Response.StatusCode = 500;
            return context.Response.WriteAsync($"v{calls}");
        }, rules => rules.Rules.Add(new() { Pattern = RulePattern.Glob("*"), Ttl = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromSeconds(30) }));
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(40);
        (await site.GetAsync("/")).Is("STALE", "v1");
        site.Time.Advance(1);
        (await site.GetAsync("/")).Is("MISS", "v3", 500);
    }

    [Fact]
    public async Task Callers_of_a_failing_origin_share_one_call_and_what_is_stale()
    {
        int calls = 0, entered = 0;
        var arrived = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
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
                context.Response.Headers.CacheControl = "max-age=60, stale-if-error=1000";
                if (Interlocked.Increment(ref calls) > 1)
                {
                    arrived.TrySetResult();
                    await gate.Task;
                    context.Response.StatusCode = 503;
                }
                await context.Response.WriteAsync("body");
            });
        });
        (await site.GetAsync("/")).Is("MISS", "body");
        site.Time.Advance(61);
        Task<Answer> first = site.GetAsync("/");
        await arrived.Task;
        Task<Answer>[] others = [.. Enumerable.Range(0, 20).Select(_ => site.GetAsync("/"))];
        // Who enters joins at once; one that is interrupted just there asks by itself and is answered alike.
        while (Volatile.Read(ref entered) < 22) await Task.Yield();
        gate.SetResult();
        foreach (Answer answer in await Task.WhenAll([first, .. others])) answer.Is("STALE", "body");
        Assert.Equal(21, site.Count(Reason.StaleError));
        Assert.InRange(calls, 2, 12);
    }

    [Fact]
    public async Task Stale_while_revalidate_serves_once_stale_and_refreshes_once_in_the_background()
    {
        var counter = new Counter();
        var begun = new SemaphoreSlim(0);
        var gate = new SemaphoreSlim(0);
        await using Site site = await Site.StartAsync(async context =>
        {
            string version = counter.Next();
            if (version != "v1")
            {
                begun.Release();
                await gate.WaitAsync();
            }
            context.Response.Headers.CacheControl = "max-age=60, stale-while-revalidate=100";
            await context.Response.WriteAsync(version);
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(70);
        Assert.Equal("larder; hit; ttl=-10; detail=stale", (await site.GetAsync("/")).Is("STALE", "v1").CacheStatus);
        await begun.WaitAsync();
        (await site.GetAsync("/")).Is("STALE", "v1");
        (await site.SendAsync("HEAD", "/")).Is("STALE", "");
        Assert.Equal(2, counter.Calls);
        await StoredAsync(site, () => gate.Release());
        (await site.GetAsync("/")).Is("HIT", "v2");
        Assert.Equal(2, counter.Calls);
        site.Time.Advance(161);
        gate.Release();
        (await site.GetAsync("/")).Is("MISS", "v3");
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_refresh_reaches_the_endpoint_with_services_of_its_own(bool beforeRouting)
    {
        var seen = new List<(int Service, string Id, string Query)>();
        var disposed = new TaskCompletionSource();
        await using Site site = await Site.StartAsync(app =>
        {
            if (beforeRouting) app.UseLarder();
            app.UseRouting();
            if (!beforeRouting) app.UseLarder();
            app.MapGet("/items/{id}", (string id, string q, Scoped scoped, HttpContext context) =>
            {
                lock (seen) seen.Add((scoped.Number, id, q));
                context.Response.Headers.CacheControl = "max-age=60, stale-while-revalidate=100";
                context.Response.RegisterForDispose(new Signal(seen.Count == 2 ? disposed : new()));
                return $"v{seen.Count}";
            });
        }, services: services => services.AddScoped<Scoped>());
        (await site.GetAsync("/items/7?q=x")).Is("MISS", "v1");
        site.Time.Advance(61);
        await StoredAsync(site, async () => (await site.GetAsync("/items/7?q=x")).Is("STALE", "v1"));
        await disposed.Task;
        (await site.GetAsync("/items/7?q=x")).Is("HIT", "v2");
        Assert.Equal([("7", "x"), ("7", "x")], seen.Select(s => (s.Id, s.Query)));
        Assert.Equal(2, seen.Select(s => s.Service).Distinct().Count());
    }

    [Fact]
    public async Task A_refresh_that_fails_leaves_what_is_stored_and_another_may_try()
    {
        var counter = new Counter();
        var ended = new SemaphoreSlim(0);
        await using Site site = await Site.StartAsync(context =>
        {
            string version = counter.Next();
            context.Response.Headers.CacheControl = "max-age=60, stale-while-revalidate=100";
            context.Response.OnCompleted(() =>
            {
                ended.Release();
                return Task.CompletedTask;
            });
            if (version is "v2") throw new InvalidOperationException("broken");
            if (version is "v3") context.Response.StatusCode = 500;
            return context.Response.WriteAsync(version);
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        await ended.WaitAsync();
        site.Time.Advance(61);
        (await site.GetAsync("/")).Is("STALE", "v1");
        await ended.WaitAsync();
        await UntilAsync(site, "STALE", "v1", () => counter.Calls == 3);
        await ended.WaitAsync();
        await UntilAsync(site, "STALE", "v1", () => counter.Calls == 4);
        await ended.WaitAsync();
        (await site.GetAsync("/")).Is("HIT", "v4");
    }

    [Fact]
    public async Task A_refresh_counts_as_nobodys_call()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60, stale-while-revalidate=100")));
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(61);
        await StoredAsync(site, async () => (await site.GetAsync("/")).Is("STALE", "v1"));
        Assert.Equal((1, 0, 1), (site.Count(Reason.MissCold), site.Count(Reason.MissExpired), site.Count(Reason.Stale)));
    }

    /// <summary>Does something and waits until an entry has been stored.</summary>
    private static async Task StoredAsync(Site site, Func<Task> act)
    {
        var stored = new TaskCompletionSource();
        using (site.Cache.Events.Subscribe(e => { if (e.Kind == CacheEventKind.Set) stored.TrySetResult(); }))
        {
            await act();
            await stored.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private static Task StoredAsync(Site site, Action act) => StoredAsync(site, () =>
    {
        act();
        return Task.CompletedTask;
    });

    /// <summary>Asks until the condition holds: a refresh frees its place a moment after it ended.</summary>
    private static async Task UntilAsync(Site site, string xCache, string body, Func<bool> holds)
    {
        for (int i = 0; !holds(); i++)
        {
            Assert.True(i < 10_000);
            (await site.GetAsync("/")).Is(xCache, body);
            await Task.Yield();
        }
    }

    private sealed class Failure : IOriginFailureFeature
    {
        public Reason Reason => Reason.ErrorUnreachable;
    }

    private sealed class Scoped
    {
        private static int s_number;

        public int Number { get; } = Interlocked.Increment(ref s_number);
    }

    private sealed class Signal(TaskCompletionSource disposed) : IDisposable
    {
        public void Dispose() => disposed.TrySetResult();
    }
}
