using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.IntegrationTests.Http;

/// <summary>Bodies that pass through the cache while they are recorded, and ways for them to end badly.</summary>
public sealed class StreamingTests
{
    [Fact]
    public async Task A_chunk_reaches_the_client_before_the_next_one_is_made()
    {
        var received = new SemaphoreSlim(0);
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            for (int i = 0; i < 4; i++)
            {
                if (i % 2 == 0) await context.Response.WriteAsync($"{i}");
                else await context.Response.Body.WriteAsync(new[] { (byte)('0' + i) });
                await context.Response.Body.FlushAsync();
                Assert.True(await received.WaitAsync(TimeSpan.FromSeconds(30)));
            }
        });
        using HttpRequestMessage request = site.Request("GET", "/");
        using HttpResponseMessage response = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        var one = new byte[1];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(1, await body.ReadAsync(one));
            Assert.Equal('0' + i, one[0]);
            received.Release();
        }
        Assert.Equal(0, await body.ReadAsync(one));
        (await site.GetAsync("/")).Is("HIT", "0123");
    }

    [Fact]
    public async Task Every_way_to_write_is_recorded()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "0123456789");
        try
        {
            await using Site site = await Site.StartAsync(async context =>
            {
                HttpResponse response = context.Response;
                response.Headers.CacheControl = "max-age=60";
                await response.SendFileAsync(file, 2, 3);
                await response.WriteAsync("-a-");
                "pipe"u8.CopyTo(response.BodyWriter.GetSpan(4));
                response.BodyWriter.Advance(4);
                Assert.True(response.BodyWriter.CanGetUnflushedBytes);
                Assert.Equal(4, response.BodyWriter.UnflushedBytes);
                await response.BodyWriter.FlushAsync();
                await response.Body.WriteAsync("-array-"u8.ToArray(), 0, 7);
                await Task.Factory.FromAsync(response.Body.BeginWrite, response.Body.EndWrite, "apm"u8.ToArray(), 0, 3, null);
                await response.CompleteAsync();
            });
            (await site.GetAsync("/")).Is("MISS", "234-a-pipe-array-apm");
            (await site.GetAsync("/")).Is("HIT", "234-a-pipe-array-apm");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_file_is_sent_whether_it_is_recorded_or_not()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, new string('f', 100_000));
        try
        {
            await using Site site = await Site.StartAsync(context =>
            {
                context.Response.Headers.CacheControl = context.Request.Path == "/kept" ? "max-age=60" : "no-store";
                return context.Response.SendFileAsync(file);
            });
            foreach (string path in new[] { "/kept", "/not" })
                for (int i = 0; i < 2; i++)
                    Assert.Equal(100_000, (await site.GetAsync(path)).Is(path == "/kept" && i == 1 ? "HIT" : "MISS").Body.Length);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Synchronous_writes_are_refused_as_the_server_refuses_them()
    {
        var refusals = new List<string>();
        await using Site site = await Site.StartAsync(app =>
        {
            app.MapWhen(c => c.Request.Path == "/plain", branch => branch.Run(TryAsync));
            app.UseLarder();
            app.Run(TryAsync);
        }, accounts: false);
        await site.GetAsync("/plain");
        await site.GetAsync("/cached");
        Assert.Equal(6, refusals.Count);
        Assert.Equal(refusals[..3], refusals[3..]);
        Assert.Equal("ok", (await site.GetAsync("/allowed")).Body);
        (await site.GetAsync("/allowed")).Is("HIT", "ok");

        Task TryAsync(HttpContext context)
        {
            context.Response.Headers.CacheControl = "max-age=60";
            Stream body = context.Response.Body;
            if (context.Request.Path == "/allowed")
            {
                context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
                body.Write("ok"u8);
                body.Flush();
                return Task.CompletedTask;
            }
            foreach (Action write in new Action[] { () => body.Write([1], 0, 1), () => body.WriteByte(1), body.Flush })
            {
                refusals.Add(Assert.Throws<InvalidOperationException>(write).GetType().Name);
            }
            return context.Response.WriteAsync("x");
        }
    }

    [Fact]
    public async Task The_body_is_a_stream_that_is_only_written()
    {
        await using Site site = await Site.StartAsync(context =>
        {
            Stream body = context.Response.Body;
            Assert.Equal((false, false, true), (body.CanRead, body.CanSeek, body.CanWrite));
            Assert.Throws<NotSupportedException>(() => body.Length);
            Assert.Throws<NotSupportedException>(() => body.Position);
            Assert.Throws<NotSupportedException>(() => body.Position = 1);
            Assert.Throws<NotSupportedException>(() => body.SetLength(1));
            Assert.Throws<NotSupportedException>(() => body.Seek(0, SeekOrigin.Begin));
            Assert.Throws<NotSupportedException>(() => body.Read(new byte[1], 0, 1));
            context.Response.BodyWriter.CancelPendingFlush();
            context.Response.BodyWriter.Complete();
            context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
            return context.Response.WriteAsync("fine");
        });
        Assert.Equal("fine", (await site.GetAsync("/")).Body);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_body_over_the_limit_passes_and_is_not_stored(bool announced)
    {
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            if (announced) context.Response.ContentLength = 100_001;
            for (int left = 100_001; left > 0; left -= 9091) await context.Response.WriteAsync(new string('x', 9091));
        }, rules => rules.MaxBodyBytes = 100_000);
        for (int i = 0; i < 2; i++)
        {
            Answer answer = (await site.GetAsync("/")).Is("MISS", new string('x', 100_001));
            Assert.Equal(announced, answer.CacheStatus.Contains("unstored-too-large", StringComparison.Ordinal));
        }
        Assert.Equal(2, site.Count(Reason.UnstoredTooLarge));
    }

    [Theory]
    [InlineData("throw before"), InlineData("throw after write without flush"), InlineData("throw after start")]
    [InlineData("abort after start"), InlineData("short"), InlineData("long"), InlineData("throw after the announced length")]
    public async Task A_body_that_ends_badly_is_not_stored_and_the_process_lives(string how)
    {
        bool bad = true;
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            if (!bad)
            {
                await context.Response.WriteAsync("good");
                return;
            }
            if (how is "short" or "long" or "throw after the announced length") context.Response.ContentLength = how == "short" ? 10 : 4;
            if (how == "throw before") throw new InvalidOperationException();
            if (how.EndsWith("flush", StringComparison.Ordinal))
            {
                context.Response.BodyWriter.GetSpan(1)[0] = 1;
                context.Response.BodyWriter.Advance(1);
                throw new InvalidOperationException();
            }
            await context.Response.WriteAsync("half");
            if (how == "long") await context.Response.WriteAsync("more");
            if (how.StartsWith("throw", StringComparison.Ordinal)) throw new InvalidOperationException();
            if (how == "abort after start") context.Abort();
        });
        try
        {
            Assert.NotEqual("good", (await site.GetAsync("/")).Body);
        }
        catch (HttpRequestException)
        {
        }
        bad = false;
        (await site.GetAsync("/")).Is("MISS", "good");
        (await site.GetAsync("/")).Is("HIT", "good");
    }

    [Fact]
    public async Task A_handler_that_aborts_and_returns_stores_nothing_however_soon()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(async context =>
        {
            Interlocked.Increment(ref calls);
            _ = context.RequestAborted.CanBeCanceled;
            context.Response.Headers.CacheControl = "max-age=60";
            await context.Response.WriteAsync("half");
            context.Abort();
        });
        for (int i = 0; i < 200; i++) await Assert.ThrowsAnyAsync<HttpRequestException>(() => site.GetAsync("/"));
        Assert.Equal(200, calls);
        Assert.Equal(200, site.Count(Reason.UnstoredIncomplete));
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_leaves_nothing_behind()
    {
        var ended = new SemaphoreSlim(0);
        bool first = true;
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    ended.Release();
                }
            });
            app.UseLarder();
            app.Run(async context =>
            {
                context.Response.Headers.CacheControl = "max-age=60";
                await context.Response.WriteAsync("be");
                // Ends quietly, as a handler does that looks at the pipe only.
                while (first && !(await context.Response.BodyWriter.WriteAsync("."u8.ToArray())).IsCompleted) await Task.Yield();
                await context.Response.WriteAsync("gin");
            });
        });
        using (RawClient client = await RawClient.ConnectAsync(site.Address))
        {
            await client.Wire.SendAsync($"GET / HTTP/1.1\r\nHost: {site.Address.Authority}\r\n\r\n");
            await client.Wire.ReadHeadAsync();
            client.Reset();
        }
        await ended.WaitAsync();
        first = false;
        (await site.GetAsync("/")).Is("MISS", "begin");
        Assert.Equal(1, site.Count(Reason.UnstoredIncomplete));
    }

    [Fact]
    public async Task The_budget_for_recording_is_given_back_in_every_ending()
    {
        string how = "";
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            await context.Response.WriteAsync(new string('x', 60_000));
            if (how == "throw") throw new InvalidOperationException();
            if (how == "abort") context.Abort();
            if (how == "late") await context.Response.WriteAsync(new string('x', 60_000));
        }, rules => rules.MaxBodyBytes = 100_000);
        // The engine's quarter is far larger than one body: many leaks would show as unstored-budget.
        foreach (string ending in new[] { "throw", "abort", "late", "" })
        {
            how = ending;
            for (int i = 0; i < 200; i++)
            {
                try
                {
                    await site.GetAsync($"/{ending}{i}");
                }
                catch (HttpRequestException)
                {
                }
            }
        }
        Assert.Equal(0, site.Count(Reason.UnstoredBudget));
    }

    [Fact]
    public async Task An_error_page_made_outside_is_no_answer_of_the_cache()
    {
        bool broken = true;
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseExceptionHandler(error => error.Run(context =>
            {
                context.Response.StatusCode = 200;
                context.Response.Headers.ETag = "\"a\"";
                return context.Response.WriteAsync("sorry");
            }));
            app.UseLarder();
            app.Run(context => broken ? throw new InvalidOperationException() : context.Response.WriteAsync("good"));
        }, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1)));
        Assert.Equal("sorry", (await site.GetAsync("/", ("If-None-Match", "\"a\""))).Body);
        broken = false;
        (await site.GetAsync("/")).Is("MISS", "good");
        (await site.GetAsync("/")).Is("HIT", "good");
    }

    [Fact]
    public async Task A_gigabyte_passes_through_a_flat_heap()
    {
        const long Length = 1L << 30;
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            var block = new byte[64 * 1024];
            for (long left = Length; left > 0; left -= block.Length) await context.Response.Body.WriteAsync(block, context.RequestAborted);
        });
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0, read = 0;
        using (HttpRequestMessage request = site.Request("GET", "/"))
        using (HttpResponseMessage response = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using Stream body = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[256 * 1024];
            long nextLook = 0;
            for (int got; (got = await body.ReadAsync(buffer)) > 0;)
            {
                read += got;
                if (read < nextLook) continue;
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false));
                nextLook = read + (32 << 20);
            }
        }
        Assert.Equal(Length, read);
        Assert.InRange(most - before, long.MinValue, 150L << 20);
        Assert.Equal(1, site.Count(Reason.UnstoredTooLarge));
    }
}
