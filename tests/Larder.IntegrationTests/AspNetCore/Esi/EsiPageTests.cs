using System.Net;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.IntegrationTests.Http.Esi;

/// <summary>Pages over real sockets.</summary>
public sealed class EsiPageTests
{
    [Fact]
    public async Task A_page_is_put_together_and_template_and_fragments_are_cached_each_by_itself()
    {
        EsiSite pages = new EsiSite().Template("/", "<p>{n}</p><esi:include src=\"/a\"/>|<esi:include src=\"b\"/><esi:remove>x</esi:remove>!").Page("/a", "a{n}").Page("/b", "b{n}", "no-store");
        await using Site site = await pages.StartAsync();
        (await site.GetAsync("/")).Is("MISS", "<p>1</p>a1|b1!");
        (await site.GetAsync("/")).Is("HIT", "<p>1</p>a1|b2!");
        (await site.GetAsync("/a")).Is("HIT", "a1");
        await site.Cache.InvalidateAsync(Invalidation.Glob("/a"));
        (await site.GetAsync("/")).Is("HIT", "<p>1</p>a2|b3!");
        Assert.Equal((1, 2, 3), (pages.Calls("/"), pages.Calls("/a"), pages.Calls("/b")));
    }

    [Fact]
    public async Task The_origin_is_told_and_the_client_is_not()
    {
        var told = new List<string>();
        EsiSite pages = new EsiSite().Template("/", "<esi:include src=\"/f\"/>").Page("/f", context =>
        {
            told.Add(context.Request.Headers[Surrogate.Capability].ToString());
            return context.Response.WriteAsync("f");
        });
        await using Site site = await pages.StartAsync();
        Answer page = await site.GetAsync("/", (Surrogate.Capability, "evil=\"ESI/1.0\""));
        Assert.Equal(("f", null), (page.Body, page[Surrogate.Control]));
        await site.GetAsync("/f", (Surrogate.Capability, "evil=\"ESI/1.0\""));
        await site.SendAsync("POST", "/f", "x", (Surrogate.Capability, "evil=\"ESI/1.0\""));
        Assert.Equal(["larder=\"ESI/1.0\"", "larder=\"ESI/1.0\"", ""], told);
    }

    [Fact]
    public async Task A_failed_fragment_is_replaced_or_left_out_or_ends_the_page()
    {
        EsiSite pages = new EsiSite().Page("/alt", "alt").Page("/500", c => Status(c, 500)).Page("/throw", _ => throw new InvalidOperationException("secret"))
            .Page("/302", c => { c.Response.Headers.Location = "/alt"; return Status(c, 302); }).Page("/gzip", "x", headers: ("Content-Encoding", "gzip"))
            .Page("/cut", c => { c.Response.ContentLength = 10; return c.Response.WriteAsync("12345"); })
            .Page("/abort", async c => { await c.Response.WriteAsync("x"); c.Abort(); });
        foreach (string bad in new[] { "/500", "/throw", "/302", "/gzip", "/cut", "/abort", "/404", "http://other.example/x", "/%" })
        {
            pages.Template("/instead", $"[<esi:include src=\"{bad}\" alt=\"/alt\"/>]").Template("/without", $"[<esi:include src=\"{bad}\" onerror=\"continue\"/>]")
                .Template("/both", $"[<esi:include src=\"{bad}\" alt=\"/404\" onerror=\"continue\"/>]").Template("/first", $"<esi:include src=\"{bad}\"/>]").Template("/late", $"[<esi:include src=\"{bad}\"/>]");
            await using Site site = await pages.StartAsync();
            Assert.Equal("[alt]", (await site.GetAsync("/instead")).Body);
            Assert.Equal("[]", (await site.GetAsync("/without")).Body);
            Assert.Equal("[]", (await site.GetAsync("/both")).Body);
            Answer first = await site.GetAsync("/first");
            Assert.Equal((502, "application/problem+json", "no-store"), (first.Status, first["Content-Type"], first["Cache-Control"]));
            Assert.DoesNotContain("secret", first.Body, StringComparison.Ordinal);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => site.GetAsync("/late"));
        }
        static Task Status(HttpContext context, int status)
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("bad");
        }
    }

    [Fact]
    public async Task A_page_that_fails_leaves_its_template_in_the_cache()
    {
        bool broken = true;
        EsiSite pages = new EsiSite().Template("/", "<esi:include src=\"/f\"/>").Page("/f", c =>
        {
            if (broken) c.Response.StatusCode = 500;
            return c.Response.WriteAsync("good");
        });
        await using Site site = await pages.StartAsync();
        Assert.Equal(502, (await site.GetAsync("/")).Status);
        broken = false;
        (await site.GetAsync("/")).Is("HIT", "good");
    }

    [Fact]
    public async Task Literals_reach_the_client_while_a_fragment_is_made_and_four_are_made_at_once()
    {
        var gate = new TaskCompletionSource();
        int now = 0, most = 0;
        var four = new TaskCompletionSource();
        EsiSite pages = new EsiSite().Template("/", "begin" + string.Concat(Enumerable.Range(0, 12).Select(i => $"<esi:include src=\"/f?{i}\"/>,")) + "end").Page("/f", async context =>
        {
            int running = Interlocked.Increment(ref now);
            lock (gate) most = Math.Max(most, running);
            if (running == 4) four.TrySetResult();
            await gate.Task;
            await context.Response.WriteAsync(context.Request.QueryString.Value!);
            Interlocked.Decrement(ref now);
        });
        await using Site site = await pages.StartAsync();
        using HttpRequestMessage request = site.Request("GET", "/");
        using HttpResponseMessage response = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await four.Task.WaitAsync(TimeSpan.FromSeconds(30));
        gate.SetResult();
        Assert.Equal("begin?0,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,end", await reader.ReadToEndAsync());
        Assert.Equal(4, most);
    }

    [Fact]
    public async Task A_flush_of_the_template_is_a_flush_of_the_page()
    {
        var received = new SemaphoreSlim(0);
        EsiSite pages = new EsiSite().Page("/f", "f").Page("/", async context =>
        {
            context.Response.ContentType = "text/html";
            context.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
            foreach (string piece in new[] { "1<es", "i:include src='/f", "'/>2" })
            {
                await context.Response.WriteAsync(piece);
                await context.Response.Body.FlushAsync();
                if (piece != "i:include src='/f") Assert.True(await received.WaitAsync(TimeSpan.FromSeconds(30)));
            }
        });
        await using Site site = await pages.StartAsync();
        using HttpRequestMessage request = site.Request("GET", "/");
        using HttpResponseMessage response = await site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        var one = new byte[1];
        foreach (char expected in "1f2")
        {
            Assert.Equal(1, await body.ReadAsync(one));
            Assert.Equal(expected, (char)one[0]);
            if (expected != 'f') received.Release();
        }
        Assert.Equal(0, await body.ReadAsync(one));
    }

    [Fact]
    public async Task Fragments_of_fragments_are_put_in_where_they_opt_in_themselves()
    {
        EsiSite pages = new EsiSite().Template("/", "0<esi:include src=\"/1/\"/>0").Template("/1/", "1<esi:include src=\"x\"/>1").Template("/1/x", "2<esi:include src=\"/plain\"/>2").Page("/plain", "<esi:include src=\"/never\"/>");
        await using Site site = await pages.StartAsync();
        Assert.Equal("012<esi:include src=\"/never\"/>210", (await site.GetAsync("/")).Body);
        Assert.Equal(0, pages.Calls("/never"));
    }

    [Fact]
    public async Task Every_way_to_write_and_every_kind_of_answer_passes_where_nobody_opts_in()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "0123456789");
        try
        {
            EsiSite pages = new EsiSite().Page("/send", c => c.Response.SendFileAsync(file, 2, 3)).Page("/all", async context =>
            {
                await context.Response.WriteAsync("a");
                "pipe"u8.CopyTo(context.Response.BodyWriter.GetSpan(4));
                context.Response.BodyWriter.Advance(4);
                await context.Response.Body.WriteAsync("-array-"u8.ToArray(), 0, 7);
                await Task.Factory.FromAsync(context.Response.Body.BeginWrite, context.Response.Body.EndWrite, "apm"u8.ToArray(), 0, 3, null);
                await context.Response.CompleteAsync();
            }).Page("/empty", c => Task.CompletedTask).Page("/204", c => { c.Response.StatusCode = 204; return Task.CompletedTask; })
                .Template("/files", "<<esi:include src=\"/send\"/><esi:include src=\"/all\"/><esi:include src=\"/empty\"/>>");
            await using Site site = await pages.StartAsync();
            Assert.Equal("234", (await site.GetAsync("/send")).Body);
            Assert.Equal("apipe-array-apm", (await site.GetAsync("/all")).Body);
            Assert.Equal("0", (await site.GetAsync("/empty"))["Content-Length"]);
            Assert.Equal(204, (await site.GetAsync("/204")).Status);
            Assert.Equal("<234apipe-array-apm>", (await site.GetAsync("/files")).Body);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task An_application_that_fails_is_answered_for_by_those_in_front()
    {
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseExceptionHandler(error => error.Run(context => context.Response.WriteAsync("sorry")));
            app.UseLarder();
            app.Run(_ => throw new InvalidOperationException());
        }, http => http.Esi.Enabled = true);
        Answer answer = await site.GetAsync("/");
        Assert.Equal((500, "sorry"), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task Fragments_are_found_where_routing_stands_in_front_and_authorized_anew()
    {
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                if (context.Request.Headers["X-User"] is [{ } name]) context.User = new(new System.Security.Claims.ClaimsIdentity([new("sub", name)], "test"));
                return next(context);
            });
            app.UseRouting();
            app.UseAuthorization();
            app.UseLarder();
            app.MapGet("/page", (HttpContext c) => Html(c, "<esi:include src='/open/7'/>|<esi:include src='/members' onerror='continue'/>|<esi:include src='/admins' onerror='continue'/>")).RequireAuthorization();
            app.MapGet("/open", (HttpContext c) => Html(c, "<esi:include src='/open/7'/>|<esi:include src='/members' onerror='continue'/>"));
            app.MapGet("/open/{id}", (string id, IHttpContextAccessor accessor) => $"{id}{accessor.HttpContext!.Request.Path}");
            app.MapGet("/members", (HttpContext c) => c.User.FindFirst("sub")!.Value).RequireAuthorization();
            app.MapGet("/admins", () => "secret").RequireAuthorization(policy => policy.RequireRole("admin"));
        }, http =>
        {
            http.Esi.Enabled = true;
            http.Cache("/members", TimeSpan.FromMinutes(1), RuleScope.Private);
        }, services => services.AddHttpContextAccessor().AddAuthorization().AddAuthentication("none").AddScheme<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions, Nobody>("none", null), accounts: false);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("7/open/7|ann|", (await site.GetAsync("/page", ("X-User", "ann"))).Body);
            Assert.Equal("7/open/7|bob|", (await site.GetAsync("/page", ("X-User", "bob"))).Body);
        }
        Assert.Equal(401, (await site.GetAsync("/page")).Status);
        Assert.Equal("7/open/7|", (await site.GetAsync("/open")).Body);

        static Task Html(HttpContext context, string body)
        {
            context.Response.ContentType = "text/html";
            context.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
            return context.Response.WriteAsync(body);
        }
    }

    private sealed class Nobody(
        Microsoft.Extensions.Options.IOptionsMonitor<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions> options, Microsoft.Extensions.Logging.ILoggerFactory logger,
        System.Text.Encodings.Web.UrlEncoder encoder) : Microsoft.AspNetCore.Authentication.AuthenticationHandler<Microsoft.AspNetCore.Authentication.AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<Microsoft.AspNetCore.Authentication.AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Microsoft.AspNetCore.Authentication.AuthenticateResult.NoResult());
    }
}
