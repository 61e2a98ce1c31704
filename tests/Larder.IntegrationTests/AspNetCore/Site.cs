using System.Net;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Http;

/// <summary>
/// A real server with the cache in front of an application. When it ends, it checks that each request that came in was
/// counted with exactly one reason.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly bool _accounts;
    private int _entered;

    private Site(WebApplication app, ManualTime time, bool accounts)
    {
        _app = app;
        _accounts = accounts;
        Time = time;
        Cache = app.Services.GetRequiredService<LarderCache>();
        Client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, MaxConnectionsPerServer = 256, UseProxy = false });
    }

    public ManualTime Time { get; }

    public LarderCache Cache { get; }

    public IServiceProvider Services => _app.Services;

    public HttpClient Client { get; }

    public Uri Address => new(_app.Urls.First());

    public static Task<Site> StartAsync(RequestDelegate origin, Action<HttpCacheOptions>? rules = null) =>
        StartAsync(app =>
        {
            app.UseLarder();
            app.Run(origin);
        }, rules);

    public static async Task<Site> StartAsync(
        Action<WebApplication> pipeline, Action<HttpCacheOptions>? rules = null, Action<IServiceCollection>? services = null,
        HttpProtocols protocols = HttpProtocols.Http1, bool accounts = true, Action<LarderOptions>? limits = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols);
        });
        var time = new ManualTime();
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddLarder(limits).AddHttpCaching(rules ?? (_ => { }));
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        var site = new Site(app, time, accounts);
        app.Use(site.NoteAsync);
        pipeline(app);
        await app.StartAsync();
        return site;
    }

    public long Count(Reason reason) => Cache.Reasons[reason];

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync("GET", path, null, headers);

    public async Task<Answer> SendAsync(string method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = Request(method, path, headers);
        if (body is not null) request.Content = new StringContent(body);
        using HttpResponseMessage response = await Client.SendAsync(request);
        return await Answer.ReadAsync(response);
    }

    public HttpRequestMessage Request(string method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new(method), new Uri(Address, path));
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using (var soon = new CancellationTokenSource(TimeSpan.FromSeconds(30))) await _app.StopAsync(soon.Token);
        long counted = Enum.GetValues<Reason>().Where(r => r.EndsCall()).Sum(r => Cache.Reasons[r]);
        await _app.DisposeAsync();
        if (_accounts) Assert.Equal(Volatile.Read(ref _entered), counted);
    }

    private Task NoteAsync(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref _entered);
        return next(context);
    }
}

/// <summary>What a client got.</summary>
internal sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public string? this[string name] => Headers.GetValueOrDefault(name);

    public string? XCache => this["X-Cache"];

    public string CacheStatus => this["Cache-Status"] ?? "";

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        string body = await response.Content.ReadAsStringAsync();
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new((int)response.StatusCode, body, headers);
    }

    public Answer Is(string xCache, string? body = null, int status = 200)
    {
        Assert.Equal((status, xCache), (Status, XCache));
        if (body is not null) Assert.Equal(body, Body);
        return this;
    }
}

/// <summary>An origin whose every answer is numbered.</summary>
internal sealed class Counter
{
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    public string Next() => $"v{Interlocked.Increment(ref _calls)}";

    /// <summary>Answers with the number, after the headers.</summary>
    public RequestDelegate Answers(params (string Name, string Value)[] headers) => context =>
    {
        foreach ((string name, string value) in headers) context.Response.Headers.Append(name, value);
        return context.Response.WriteAsync(Next());
    };
}
