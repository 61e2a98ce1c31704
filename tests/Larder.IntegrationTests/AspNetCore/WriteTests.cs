using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Unsafe methods (RFC 9111 §4.4).</summary>
public sealed class WriteTests
{
    [Theory]
    [InlineData("POST", 200, true), InlineData("PUT", 201, true), InlineData("DELETE", 204, true), InlineData("PATCH", 303, true)]
    [InlineData("FROB", 200, true), InlineData("POST", 302, true)]
    [InlineData("POST", 400, false), InlineData("PUT", 404, false), InlineData("POST", 500, false), InlineData("DELETE", 503, false)]
    [InlineData("OPTIONS", 200, false), InlineData("TRACE", 200, false), InlineData("QUERY", 200, false)]
    public async Task Successes_of_unsafe_methods_invalidate(string method, int status, bool invalidates)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(context =>
        {
            if (context.Request.Method != "GET") context.Response.StatusCode = status;
            else context.Response.Headers.CacheControl = "max-age=60";
            return context.Request.Method == "GET" ? context.Response.WriteAsync(counter.Next()) : Task.CompletedTask;
        });
        foreach (string path in new[] { "/a", "/a?q=1", "/b" }) await site.GetAsync(path);
        (await site.SendAsync(method, "/a")).Is("BYPASS", status: status);
        (await site.GetAsync("/a")).Is(invalidates ? "MISS" : "HIT", invalidates ? "v4" : "v1");
        (await site.GetAsync("/a?q=1")).Is("HIT", "v2");
        (await site.GetAsync("/b")).Is("HIT", "v3");
    }

    [Fact]
    public async Task An_unknown_outcome_invalidates()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            switch (context.Request.Headers["X-Do"])
            {
                case "throw": throw new InvalidOperationException();
                case "unreachable":
                    context.Features.Set<IOriginFailureFeature>(new Failure());
                    context.Response.StatusCode = 504;
                    return Task.CompletedTask;
                default: return context.Response.WriteAsync(counter.Next());
            }
        });
        int version = 1;
        foreach ((string how, int status) in new[] { ("throw", 500), ("unreachable", 504) })
        {
            (await site.GetAsync("/a")).Is("MISS", $"v{version++}");
            (await site.GetAsync("/a")).Is("HIT");
            Assert.Equal(status, (await site.SendAsync("POST", "/a", null, ("X-Do", how))).Status);
        }
        (await site.GetAsync("/a")).Is("MISS", $"v{version}");
    }

    [Fact]
    public async Task A_write_whose_client_left_invalidates()
    {
        var counter = new Counter();
        var arrived = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                await next(context);
                if (context.Request.Method == "POST") ended.SetResult();
            });
            app.UseLarder();
            app.Run(async context =>
            {
                context.Response.Headers.CacheControl = "max-age=60";
                if (context.Request.Method == "GET")
                {
                    await context.Response.WriteAsync(counter.Next());
                    return;
                }
                var left = new TaskCompletionSource();
                context.RequestAborted.Register(left.SetResult);
                arrived.SetResult();
                await left.Task;
                context.Response.StatusCode = 204;
            });
        });
        (await site.GetAsync("/a")).Is("MISS", "v1");
        using (RawClient client = await RawClient.ConnectAsync(site.Address))
        {
            await client.Wire.SendAsync($"POST /a HTTP/1.1\r\nHost: {site.Address.Authority}\r\nContent-Length: 0\r\n\r\n");
            await arrived.Task;
            client.Reset();
        }
        await ended.Task;
        (await site.GetAsync("/a")).Is("MISS", "v2");
    }

    [Theory]
    [InlineData("/b", true), InlineData("b", true), InlineData("{host}/b", true)]
    [InlineData("http://other.example/b", false), InlineData("https://{authority}/b", false), InlineData("http://[", false)]
    public async Task Location_and_Content_Location_on_the_same_host_invalidate_too(string url, bool invalidates)
    {
        foreach (string field in new[] { "Location", "Content-Location" })
        {
            var counter = new Counter();
            await using Site site = await Site.StartAsync(context =>
            {
                context.Response.Headers.CacheControl = "max-age=60";
                if (context.Request.Method == "GET") return context.Response.WriteAsync(counter.Next());
                string host = $"{context.Request.Scheme}://{context.Request.Host}";
                context.Response.Headers[field] = url.Replace("{host}", host, StringComparison.Ordinal).Replace("{authority}", context.Request.Host.Value!, StringComparison.Ordinal);
                context.Response.StatusCode = 201;
                return Task.CompletedTask;
            });
            await site.GetAsync("/a");
            await site.GetAsync("/b");
            (await site.SendAsync("POST", "/a")).Is("BYPASS", status: 201);
            (await site.GetAsync("/b")).Is(invalidates ? "MISS" : "HIT");
        }
    }

    [Fact]
    public async Task What_the_application_does_to_path_and_host_does_not_hide_what_was_written()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.Use((context, next) =>
            {
                context.Request.Host = new("inner.example");
                context.Request.Scheme = "https";
                return next(context);
            });
            app.Map("/api", api => api.Run(context =>
            {
                context.Response.Headers.CacheControl = "max-age=60";
                return context.Response.WriteAsync(counter.Next());
            }));
        }, rules =>
        {
            rules.Cache("/api/list", TimeSpan.FromMinutes(1), RuleScope.Shared, "things");
            rules.Invalidate("POST", "/api/things/{id}", "things");
        });
        (await site.GetAsync("/api/list")).Is("MISS", "v1");
        (await site.GetAsync("/api/things/1")).Is("MISS", "v2");
        (await site.GetAsync("/api/list")).Is("HIT", "v1");
        (await site.SendAsync("POST", "/api/things/1")).Is("BYPASS", "v3");
        (await site.GetAsync("/api/list")).Is("MISS", "v4");
        (await site.GetAsync("/api/things/1")).Is("MISS", "v5");
    }

    [Fact]
    public async Task Once_the_answer_to_a_write_is_here_the_next_read_is_fresh()
    {
        int value = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            if (context.Request.Method == "POST") return context.Response.WriteAsync($"{Interlocked.Increment(ref value)}");
            context.Response.Headers.CacheControl = "max-age=600";
            return context.Response.WriteAsync($"{Volatile.Read(ref value)}");
        });
        using var stop = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await site.GetAsync("/");
        }))];
        for (int trial = 1; trial <= 500; trial++)
        {
            // The headers alone are the acknowledgement.
            using HttpRequestMessage write = site.Request("POST", "/");
            using HttpResponseMessage response = await site.Client.SendAsync(write, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal($"{trial}", (await site.GetAsync("/")).Body);
            await response.Content.ReadAsStringAsync();
        }
        await stop.CancelAsync();
        await Task.WhenAll(readers);
    }

    private sealed class Failure : IOriginFailureFeature
    {
        public Reason Reason => Reason.ErrorTimeout;
    }
}
