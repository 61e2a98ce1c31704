using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ApplicationParts;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Http;

/// <summary>Caching that endpoints and handlers say themselves.</summary>
public sealed class EndpointTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task An_endpoint_and_a_group_say_how_their_responses_are_cached()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.MapGet("/jobs/{id:int}", () => counter.Next()).CacheResponse(Minute, "job:{id}");
            app.MapPut("/jobs/{id:int}", () => counter.Next()).InvalidatesCache("job:{id}");
            RouteGroupBuilderFor(app).MapGet("/x", () => counter.Next());
            app.MapGet("/plain", () => counter.Next());
        });
        (await site.GetAsync("/jobs/1")).Is("MISS", "v1");
        (await site.GetAsync("/jobs/1")).Is("HIT", "v1");
        (await site.GetAsync("/jobs/2")).Is("MISS", "v2");
        await site.SendAsync("PUT", "/jobs/1?by=me", "x");
        (await site.GetAsync("/jobs/1")).Is("MISS", "v4");
        (await site.GetAsync("/jobs/2")).Is("HIT", "v2");
        (await site.GetAsync("/group/x?b=1&a=2")).Is("MISS", "v5");
        (await site.GetAsync("/group/x?a=2&b=1")).Is("HIT", "v5");
        (await site.GetAsync("/plain")).Is("MISS", "v6");
        (await site.GetAsync("/plain")).Is("MISS", "v7");
    }

    private static Microsoft.AspNetCore.Routing.RouteGroupBuilder RouteGroupBuilderFor(WebApplication app)
    {
        Microsoft.AspNetCore.Routing.RouteGroupBuilder group = app.MapGroup("/group");
        group.CacheResponse(rule => rule with { Ttl = Minute, Query = QueryPolicy.Sorted });
        return group;
    }

    [Fact]
    public async Task What_the_set_never_caches_no_endpoint_opens()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(
            app =>
            {
                app.UseLarder();
                app.MapGet("/auth/me", () => counter.Next()).CacheResponse(Minute);
            },
            http => http.Never("/auth/*"));
        (await site.GetAsync("/auth/me")).Is("BYPASS", "v1");
        (await site.GetAsync("/auth/me")).Is("BYPASS", "v2");
    }

    [Fact]
    public async Task Invalidation_takes_place_after_success_only()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.MapGet("/list", () => counter.Next()).CacheResponse(Minute, "list");
            app.MapPost("/add", (int status) => Results.StatusCode(status)).InvalidatesCache("list");
            app.MapGet("/rebuild", () => "done").InvalidatesCache("list");
        });
        (await site.GetAsync("/list")).Is("MISS", "v1");
        await site.SendAsync("POST", "/add?status=400", "");
        (await site.GetAsync("/list")).Is("HIT", "v1");
        await site.SendAsync("POST", "/add?status=201", "");
        (await site.GetAsync("/list")).Is("MISS", "v2");
        (await site.GetAsync("/rebuild")).Is("BYPASS", "done");
        (await site.GetAsync("/list")).Is("MISS", "v3");
    }

    [Fact]
    public async Task A_handler_tags_gives_a_lifetime_refuses_and_invalidates()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.MapGet("/own", (HttpContext context) =>
            {
                Assert.Equal(counter.Calls == 0 ? Reason.MissCold : Reason.MissInvalidated, context.Larder().Reason);
                context.Larder().Ttl = Minute;
                context.Larder().Tag("own", "more:1");
                return counter.Next();
            });
            app.MapGet("/not", (HttpContext context) =>
            {
                context.Larder().DoNotStore();
                return counter.Next();
            }).CacheResponse(Minute);
            app.MapPost("/end", (HttpContext context, int status) =>
            {
                context.Larder().Invalidate(Invalidation.Tag("more"));
                return Results.StatusCode(status);
            });
        });
        (await site.GetAsync("/own")).Is("MISS", "v1");
        (await site.GetAsync("/own")).Is("HIT", "v1");
        await site.SendAsync("POST", "/end?status=500", "");
        (await site.GetAsync("/own")).Is("HIT", "v1");
        await site.SendAsync("POST", "/end?status=200", "");
        (await site.GetAsync("/own")).Is("MISS", "v2");
        (await site.GetAsync("/not")).Is("MISS", "v3");
        Assert.Contains("unstored-condition", (await site.GetAsync("/not")).Is("MISS", "v4").CacheStatus, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_read_ends_is_ended_before_its_answer_leaves_and_a_failed_one_ends_nothing()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.MapGet("/stock", () => counter.Next()).CacheResponse(Minute, "stock");
            app.MapGet("/recount", (HttpContext context, int status) =>
            {
                context.Larder().Invalidate(Invalidation.Tag("stock"));
                return Results.StatusCode(status);
            });
        });
        (await site.GetAsync("/stock")).Is("MISS", "v1");
        await site.GetAsync("/recount?status=500");
        (await site.GetAsync("/stock")).Is("HIT", "v1");
        await site.GetAsync("/recount?status=200");
        (await site.GetAsync("/stock")).Is("MISS", "v2");
    }

    [Fact]
    public async Task A_rule_of_an_endpoint_holds_for_its_own_methods_and_errors_get_no_lifetime_of_a_handlers()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            Microsoft.AspNetCore.Routing.RouteGroupBuilder group = app.MapGroup("/search");
            group.CacheResponse(rule => rule with { Methods = ["POST"], Body = new(), Ttl = Minute });
            group.MapPost("", () => counter.Next());
            group.MapPut("", () => counter.Next());
            app.MapGet("/broken", (HttpContext context) =>
            {
                context.Larder().Ttl = Minute;
                return Results.Text(counter.Next(), statusCode: 503);
            });
        });
        (await site.SendAsync("POST", "/search", "a")).Is("MISS", "v1");
        (await site.SendAsync("POST", "/search", "a")).Is("HIT", "v1");
        (await site.SendAsync("PUT", "/search", "a")).Is("BYPASS", "v2");
        (await site.SendAsync("PUT", "/search", "a")).Is("BYPASS", "v3");
        (await site.SendAsync("POST", "/search", "a")).Is("MISS", "v4");
        (await site.GetAsync("/broken")).Is("MISS", "v5", 503);
        (await site.GetAsync("/broken")).Is("MISS", "v6", 503);
    }

    [Fact]
    public async Task A_confirmation_keeps_the_tags_of_the_handler_and_heeds_its_refusal()
    {
        bool keep = true;
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.MapGet("/x", (HttpContext context) =>
            {
                context.Response.Headers.ETag = "\"e\"";
                context.Response.Headers["Surrogate-Key"] = "a";
                context.Response.Headers.CacheControl = "max-age=10";
                if (!keep) context.Larder().DoNotStore();
                if (context.Request.Headers.IfNoneMatch.Count > 0) return Results.StatusCode(304);
                context.Larder().Tag("own");
                return Results.Text("x");
            });
        });
        (await site.GetAsync("/x")).Is("MISS");
        site.Time.Advance(11);
        (await site.GetAsync("/x")).Is("REVALIDATED");
        await site.Cache.InvalidateAsync(Invalidation.Tag("own"));
        (await site.GetAsync("/x")).Is("MISS");
        keep = false;
        site.Time.Advance(11);
        (await site.GetAsync("/x")).Is("REVALIDATED");
        (await site.GetAsync("/x")).Is("MISS");
    }

    [Fact]
    public void What_a_handler_says_is_checked()
    {
        IHttpCacheFeature said = new HttpCacheFeature(Reason.MissCold);
        Assert.Throws<ArgumentOutOfRangeException>(() => said.Ttl = TimeSpan.Zero);
        Assert.Throws<ArgumentException>(() => said.Tag("=x"));
        Assert.Throws<InvalidOperationException>(() => new DefaultHttpContext().Larder());
    }

    [Fact]
    public async Task Controllers_say_it_by_attributes_and_code_by_attributes_of_their_own()
    {
        await using Site site = await Site.StartAsync(
            app =>
            {
                app.UseLarder();
                app.MapControllers();
            },
            services: services => services.AddControllers().ConfigureApplicationPartManager(parts =>
            {
                parts.ApplicationParts.Clear();
                parts.FeatureProviders.Add(new OnlyBooks());
            }));
        BooksController.Counter = new();
        (await site.GetAsync("/books/7")).Is("MISS", "v1");
        (await site.GetAsync("/books/7?utm=1")).Is("HIT", "v1");
        (await site.GetAsync("/books/8")).Is("MISS", "v2");
        (await site.GetAsync("/books/mine", ("X-Plan", "gold"))).Is("MISS", "v3");
        (await site.GetAsync("/books/mine", ("X-Plan", "gold"))).Is("HIT", "v3");
        (await site.GetAsync("/books/mine", ("X-Plan", "free"))).Is("MISS", "v4");
        (await site.GetAsync("/books/mine", ("X-Plan", "free"))).Is("MISS", "v5");
        await site.SendAsync("POST", "/books/7", "x");
        (await site.GetAsync("/books/7")).Is("MISS", "v7");
        (await site.GetAsync("/books/8")).Is("HIT", "v2");
    }

    [Fact]
    public async Task Who_says_what_cannot_work_is_told_at_once_or_at_the_start()
    {
        var log = new ListLogger();
        await using Site site = await Site.StartAsync(
            app =>
            {
                app.UseLarder();
                RouteHandlerBuilder endpoint = app.MapGet("/x/{id}", () => "x");
                Assert.Throws<ArgumentException>(() => endpoint.CacheResponse(TimeSpan.Zero));
                Assert.Throws<ArgumentException>(() => endpoint.CacheResponse(Minute, "=x"));
                Assert.Throws<ArgumentException>(() => endpoint.InvalidatesCache("a{"));
                endpoint.CacheResponse(Minute, "x:{nobody}");
            },
            services: services => services.AddSingleton<ILoggerProvider>(log));
        Assert.Contains(log.Lines, line => line.Contains("2009", StringComparison.Ordinal) && line.Contains("{nobody}", StringComparison.Ordinal));
        (await site.GetAsync("/x/1")).Is("BYPASS");
    }

    [Fact]
    public async Task A_cache_in_front_of_routing_or_authorization_is_told_of()
    {
        var log = new ListLogger();
        await using Site site = await Site.StartAsync(
            app =>
            {
                app.UseLarder();
                app.UseRouting();
                app.MapGet("/x", () => "x").CacheResponse(Minute);
            },
            services: services => services.AddSingleton<ILoggerProvider>(log));
        (await site.GetAsync("/x")).Is("MISS");
        (await site.GetAsync("/x")).Is("MISS");
        Assert.Single(log.Lines, line => line.Contains("2010", StringComparison.Ordinal));
    }

    /// <summary>The controllers of this test, and none of another.</summary>
    private sealed class OnlyBooks : IApplicationFeatureProvider<ControllerFeature>
    {
        public void PopulateFeature(IEnumerable<ApplicationPart> parts, ControllerFeature feature) => feature.Controllers.Add(System.Reflection.IntrospectionExtensions.GetTypeInfo(typeof(BooksController)));
    }

    private sealed class ListLogger : ILoggerProvider, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue($"{eventId.Id} {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}

/// <summary>Books, as a program with controllers has them.</summary>
[ApiController]
[Route("books")]
public sealed class BooksController : ControllerBase
{
    internal static Counter Counter { get; set; } = new();

    /// <summary>One book.</summary>
    [HttpGet("{id:int}")]
    [CacheResponse(60, Tags = ["book:{id}"], Query = [])]
    public string Get(int id) => Counter.Next();

    /// <summary>What a plan shows.</summary>
    [HttpGet("mine")]
    [ByPlan]
    public string Mine() => Counter.Next();

    /// <summary>Changes a book.</summary>
    [HttpPost("{id:int}")]
    [InvalidatesCache("book:{id}")]
    public string Change(int id) => Counter.Next();

    private sealed class ByPlanAttribute() : CacheResponseAttribute(60)
    {
        protected override string? KeyOf(HttpContext context) => context.Request.Headers["X-Plan"];

        protected override bool MayStore(HttpContext context) => context.Request.Headers["X-Plan"] == "gold";
    }
}
