using System.Security.Claims;
using System.Text.Encodings.Web;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.IntegrationTests.Http;

/// <summary>Nobody gets what was made for somebody else.</summary>
public sealed class CredentialsTests
{
    [Theory]
    [InlineData("Cookie", "sid={0}"), InlineData("Authorization", "Bearer {0}")]
    public async Task What_was_made_for_one_users_credentials_is_not_shared(string name, string value)
    {
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            return context.Response.WriteAsync($"for {context.Request.Headers[name]}");
        }, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1)));
        foreach (string user in new[] { "a", "b", "a" })
        {
            string own = string.Format(System.Globalization.CultureInfo.InvariantCulture, value, user);
            Answer answer = (await site.GetAsync("/", (name, own))).Is("MISS", $"for {own}");
            Assert.Contains("unstored-credentials", answer.CacheStatus, StringComparison.Ordinal);
        }
        (await site.GetAsync("/")).Is("MISS", "for ");
        (await site.GetAsync("/")).Is("HIT", "for ");
        Assert.Contains("bypass-credentials", (await site.GetAsync("/", (name, "c"))).Is("BYPASS", "for c").CacheStatus, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_weak_rule_shares_it_which_shows_that_the_check_can_fail()
    {
        await using Site site = await Site.StartAsync(
            context => context.Response.WriteAsync($"for {context.Request.Headers.Cookie}"),
            rules => rules.Cache("/", TimeSpan.FromMinutes(1), RuleScope.Public));
        (await site.GetAsync("/", ("Cookie", "a"))).Is("MISS", "for a");
        (await site.GetAsync("/", ("Cookie", "b"))).Is("HIT", "for a");
    }

    [Theory]
    [InlineData("public, max-age=60", "Cookie", true), InlineData("s-maxage=60", "Cookie", true), InlineData("max-age=60, must-revalidate", "Cookie", false)]
    [InlineData("public, max-age=60", "Authorization", true), InlineData("max-age=60, must-revalidate", "Authorization", true)]
    public async Task The_origin_may_declare_it_shareable(string cacheControl, string header, bool shared)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", cacheControl)));
        (await site.GetAsync("/", (header, "a"))).Is("MISS", "v1");
        (await site.GetAsync("/", (header, "b"))).Is(shared ? "HIT" : "MISS", shared ? "v1" : "v2");
    }

    [Fact]
    public async Task A_private_rule_keeps_entries_for_each_user()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "private"), ("ETag", "\"same\"")), rules =>
        {
            rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Private);
            rules.User = context => context.Request.Headers["X-User"];
        });
        (await site.GetAsync("/", ("X-User", "a"), ("Cookie", "x"))).Is("MISS", "v1");
        (await site.GetAsync("/", ("X-User", "b"))).Is("MISS", "v2");
        (await site.GetAsync("/", ("X-User", "a"))).Is("HIT", "v1");
        (await site.GetAsync("/", ("X-User", "b"), ("Authorization", "y"))).Is("HIT", "v2");
        (await site.GetAsync("/", ("X-User", "c"), ("If-None-Match", "\"same\""))).Is("MISS", "", 304);
        Assert.Equal(3, counter.Calls);
        (await site.GetAsync("/")).Is("BYPASS", "v4");
        (await site.GetAsync("/", ("X-User", ""))).Is("BYPASS", "v5");

        await site.Cache.InvalidateAsync(Invalidation.User("a"));
        (await site.GetAsync("/", ("X-User", "b"))).Is("HIT", "v2");
        (await site.GetAsync("/", ("X-User", "a"))).Is("MISS", "v6");
    }

    [Fact]
    public async Task A_user_function_that_fails_passes_the_request_on()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), rules =>
        {
            rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Private);
            rules.User = _ => throw new InvalidOperationException("no user today");
        });
        (await site.GetAsync("/")).Is("BYPASS", "v1");
        (await site.GetAsync("/")).Is("BYPASS", "v2");
        Assert.Equal(2, site.Count(Reason.BypassUser));
    }

    [Fact]
    public async Task A_rule_with_as_many_tags_as_allowed_stores_private_copies_too()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), rules =>
        {
            rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Private, [.. Enumerable.Range(0, 20).Select(i => $"t{i}")]);
            rules.User = _ => "a";
        });
        string url = "/" + new string('x', 2000);
        (await site.GetAsync(url)).Is("MISS", "v1");
        (await site.GetAsync(url)).Is("HIT", "v1");
        await site.Cache.InvalidateAsync(Invalidation.Tag("t19"));
        (await site.GetAsync(url)).Is("MISS", "v2");
        using HttpResponseMessage written = await site.Client.PostAsync(new Uri(site.Address, url), null);
        (await site.GetAsync(url)).Is("MISS", "v4");
    }

    [Fact]
    public async Task Set_Cookie_added_at_the_last_moment_prevents_storing()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.Use((context, next) =>
            {
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers.SetCookie = "session=" + context.Request.Headers["X-User"];
                    return Task.CompletedTask;
                });
                return next(context);
            });
            app.Run(counter.Answers(("Cache-Control", "public, max-age=60")));
        });
        Assert.Equal("session=a", (await site.GetAsync("/", ("X-User", "a"))).Is("MISS", "v1")["Set-Cookie"]);
        Assert.Equal("session=b", (await site.GetAsync("/", ("X-User", "b"))).Is("MISS", "v2")["Set-Cookie"]);
    }

    [Theory]
    [InlineData("public, max-age=60", false), InlineData("private, max-age=60", true), InlineData("max-age=60", false), InlineData("", true)]
    public async Task Authorize_is_never_served_before_authorization_took_place(string cacheControl, bool privateRule)
    {
        foreach (bool after in new[] { true, false })
        {
            foreach (string endpoint in new[] { "/attribute", "/policy", "/requirement", "/fallback" })
            {
                var counter = new Counter();
                await using Site site = await StartProtectedAsync(after, counter, cacheControl, privateRule);
                Answer first = await site.GetAsync(endpoint, ("Authorization", "Toy a"));
                Assert.Equal((200, "v1 a"), (first.Status, first.Body));
                string[] others = ["", "Toy b", "Toy "];
                foreach (string other in others)
                {
                    Answer answer = await site.GetAsync(endpoint, other == "" ? [] : [("Authorization", other)]);
                    if (other == "Toy b") Assert.Equal(200, answer.Status);
                    else Assert.Equal(401, answer.Status);
                    if (answer.Status == 200 && !cacheControl.StartsWith("public", StringComparison.Ordinal)) Assert.EndsWith(" b", answer.Body, StringComparison.Ordinal);
                }
                Answer again = await site.GetAsync(endpoint, ("Authorization", "Toy a"));
                Assert.EndsWith(" a", again.Body, StringComparison.Ordinal);
                if (privateRule || cacheControl.StartsWith("public", StringComparison.Ordinal)) Assert.Equal(after ? "HIT" : "BYPASS", again.XCache);
            }
        }
    }

    [Fact]
    public async Task An_anonymous_endpoint_is_served_in_front_of_authorization()
    {
        var counter = new Counter();
        await using Site site = await StartProtectedAsync(after: false, counter, "public, max-age=60", privateRule: false);
        (await site.GetAsync("/anonymous")).Is("MISS", "v1 ");
        (await site.GetAsync("/anonymous")).Is("HIT", "v1 ");
    }

    [Fact]
    public async Task A_refresh_of_an_authorized_endpoint_keeps_its_user_and_its_authorization()
    {
        var counter = new Counter();
        await using Site site = await StartProtectedAsync(after: true, counter, "private, max-age=60, stale-while-revalidate=60", privateRule: true);
        (await site.GetAsync("/attribute", ("Authorization", "Toy a"))).Is("MISS", "v1 a");
        site.Time.Advance(61);
        var stored = new TaskCompletionSource();
        using (site.Cache.Events.Subscribe(e => { if (e.Kind == CacheEventKind.Set) stored.TrySetResult(); }))
        {
            (await site.GetAsync("/attribute", ("Authorization", "Toy a"))).Is("STALE", "v1 a");
            await stored.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
        (await site.GetAsync("/attribute", ("Authorization", "Toy a"))).Is("HIT", "v2 a");
    }

    private static Task<Site> StartProtectedAsync(bool after, Counter counter, string cacheControl, bool privateRule) => Site.StartAsync(app =>
    {
        if (!after) app.UseLarder();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        if (after) app.UseLarder();
        Func<HttpContext, string> handler = context =>
        {
            if (cacheControl != "") context.Response.Headers.CacheControl = cacheControl;
            return $"{counter.Next()} {context.User.Identity?.Name}";
        };
        app.MapGet("/attribute", handler).RequireAuthorization();
        app.MapGet("/policy", handler).WithMetadata(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        app.MapGet("/requirement", handler).WithMetadata(new Requirement());
        app.MapGet("/fallback", handler);
        app.MapGet("/anonymous", handler).AllowAnonymous();
    }, rules =>
    {
        if (privateRule) rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Private);
    }, services =>
    {
        services.AddAuthentication("Toy").AddScheme<AuthenticationSchemeOptions, Toy>("Toy", null);
        services.AddAuthorization(options => options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        services.AddSingleton<IAuthorizationHandler, RequirementHandler>();
    }, accounts: false);

    private sealed class Toy(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            string user = Request.Headers.Authorization.ToString().Replace("Toy ", "", StringComparison.Ordinal).Trim();
            if (user is "" or "Toy") return Task.FromResult(AuthenticateResult.NoResult());
            var identity = new ClaimsIdentity([new(ClaimTypes.NameIdentifier, user), new(ClaimTypes.Name, user)], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new(new(identity), Scheme.Name)));
        }
    }

    private sealed class Requirement : Attribute, IAuthorizationRequirement, IAuthorizationRequirementData
    {
        public IEnumerable<IAuthorizationRequirement> GetRequirements() => [this];
    }

    private sealed class RequirementHandler : AuthorizationHandler<Requirement>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Requirement requirement)
        {
            if (context.User.Identity?.IsAuthenticated == true) context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }
}
