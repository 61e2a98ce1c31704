using System.Collections.Concurrent;
using System.Net;
using Larder.AspNetCore;
using Larder.Gateway.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Gateway.Hosting;

public sealed class GatewayHostTests
{
    private static readonly GatewayOptions Nobody = new() { Origin = new("http://127.0.0.1:9"), Urls = ["http://127.0.0.1:0"] };

    [Fact]
    public async Task Health_is_the_gateways_in_its_exact_spelling_only()
    {
        await using WebApplication app = GatewayHost.Build(Nobody, builder => builder.Logging.ClearProviders());
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.Single()) };

        foreach (string target in (string[])["/healthz", "/healthz?deep=1"])
        {
            using HttpResponseMessage healthy = await client.GetAsync(target);
            Assert.Equal((HttpStatusCode.OK, "ok", "text/plain"), (healthy.StatusCode, await healthy.Content.ReadAsStringAsync(), healthy.Content.Headers.ContentType?.ToString()));
            Assert.True(healthy.Headers.CacheControl?.NoStore);
        }
        using HttpResponseMessage head = await client.SendAsync(new(HttpMethod.Head, "/healthz"));
        Assert.Equal((HttpStatusCode.OK, 2L), (head.StatusCode, head.Content.Headers.ContentLength));
        foreach (string other in (string[])["/healthz/", "/healthzz", "/Healthz", "/x"])
            Assert.Equal(HttpStatusCode.BadGateway, (await client.GetAsync(other)).StatusCode);
        Assert.Equal(HttpStatusCode.BadGateway, (await client.PostAsync("/healthz", null)).StatusCode);
        await app.StopAsync();
    }

    [Fact]
    public async Task Before_its_start_the_gateway_is_not_healthy()
    {
        await using WebApplication app = GatewayHost.Build(Nobody, builder => builder.Logging.ClearProviders());
        var context = new DefaultHttpContext { Request = { Method = "GET" }, Response = { Body = new MemoryStream() } };
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/healthz";

        await new Health(app.Lifetime).InvokeAsync(context, _ => throw new InvalidOperationException("It was passed on."));

        Assert.Equal(503, context.Response.StatusCode);
    }

    [Fact]
    public async Task A_request_that_can_not_be_forwarded_is_refused_before_the_cache()
    {
        await using WebApplication app = GatewayHost.Build(Nobody, builder => builder.Logging.ClearProviders());
        await app.StartAsync();
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Options, app.Urls.Single());
        request.Headers.TryAddWithoutValidation("Max-Forwards", "x");

        using HttpResponseMessage answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        await app.StopAsync();
    }

    [Fact]
    public async Task Start_stop_and_what_listens_everywhere_are_logged_once_each()
    {
        var log = new Lines();
        await using (WebApplication app = GatewayHost.Build(Nobody with { Urls = ["http://127.0.0.1:0", "http://*:0"] }, builder => builder.Logging.ClearProviders().AddProvider(log)))
        {
            await app.StartAsync();
            await app.StopAsync();
        }

        Assert.Equal(
        [
            (LogLevel.Information, 4006, "The gateway listens on http://127.0.0.1:*, http://[::]:* and caches http://127.0.0.1:9 (0 rules)"),
            (LogLevel.Warning, 4008, "http://[::]:* listens on all interfaces: whoever reaches this machine reaches the gateway and its origin"),
            (LogLevel.Information, 4007, "The gateway before http://127.0.0.1:9 has stopped"),
        ], log.Written.Select(l => (l.Level, l.Id, System.Text.RegularExpressions.Regex.Replace(l.Text, @":\d{4,}", ":*"))));
    }

    [Fact]
    public async Task The_options_reach_the_cache()
    {
        GatewayOptions options = Nobody with
        {
            MaxEntries = 7, MaxBytes = 8L << 20, MaxBodyBytes = 9L << 20, KeepStale = TimeSpan.FromSeconds(10),
            Rules = [new() { Pattern = RulePattern.Path("/a") }], PrivateUserHeader = "X-Key",
        };
        await using WebApplication app = GatewayHost.Build(options);

        var http = app.Services.GetRequiredService<IOptions<HttpCacheOptions>>().Value;
        var memory = app.Services.GetRequiredService<IOptions<LarderOptions>>().Value;

        Assert.Equal(options.Rules, http.Rules);
        Assert.Equal((9L << 20, TimeSpan.FromSeconds(10)), (http.MaxBodyBytes, http.KeepStale));
        Assert.Equal((7, 8L << 20, 10L << 20), (memory.MaxEntries, memory.MaxBytes, memory.MaxEntryBytes));
        var context = new DefaultHttpContext { Request = { Headers = { ["x-key"] = "abc", ["Authorization"] = "other" } } };
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", http.User!(context));
    }

    [Fact]
    public void No_user_without_exactly_one_value()
    {
        var context = new DefaultHttpContext();
        Assert.Null(PrivateUser.Of(context, "Authorization"));
        context.Request.Headers.Authorization = "";
        Assert.Null(PrivateUser.Of(context, "Authorization"));
        context.Request.Headers.Authorization = new(["a", "b"]);
        Assert.Null(PrivateUser.Of(context, "Authorization"));
    }

    [Fact]
    public void An_origin_that_is_none_is_refused_at_once() =>
        Assert.Throws<ArgumentException>(() => GatewayHost.Build(Nobody with { Origin = new("ftp://a") }));

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<(LogLevel Level, int Id, string Text)> Written { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
            Written.Enqueue((level, id.Id, format(state, exception)));

        public bool IsEnabled(LogLevel level) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Dispose()
        {
        }
    }
}
