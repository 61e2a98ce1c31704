using System.Net;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Http;

/// <summary>
/// A server with the HTTP cache over any <see cref="LarderCache"/>, whatever its Redis tier is made of. All nodes are asked by one host name, as behind a load balancer.
/// </summary>
/// <remarks>
/// Headers of requests that mean something to the node itself: <c>X-User</c> names the user of private rules, <c>X-Authorized</c> says that authorization has taken place.
/// </remarks>
internal sealed class HttpNode : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, MaxConnectionsPerServer = 256, UseProxy = false });

    private HttpNode(WebApplication app) => _app = app;

    private Uri Address => new(_app.Urls.First());

    public static async Task<HttpNode> StartAsync(LarderCache cache, RequestDelegate origin, Action<HttpCacheOptions>? rules = null, TimeProvider? time = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestLineSize = 16 << 10;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddSingleton(cache).AddSingleton(time ?? TimeProvider.System).AddOptions<HttpCacheOptions>().Configure(http =>
        {
            http.User = static context => context.Request.Headers["X-User"];
            rules?.Invoke(http);
        });
        WebApplication app = builder.Build();
        app.Use(static (context, next) =>
        {
            if (context.Request.Headers.ContainsKey("X-Authorized")) context.Items["__AuthorizationMiddlewareWithEndpointInvoked"] = true;
            return next(context);
        });
        app.UseLarder();
        app.Run(origin);
        await app.StartAsync();
        return new(app);
    }

    /// <summary>What an endpoint says that only authorization lets requests through to.</summary>
    public static void DemandAuthorization(HttpContext context) => context.SetEndpoint(new(null, new(new AuthorizeAttribute()), "guarded"));

    public Task<HttpAnswer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync("GET", path, headers);

    public async Task<HttpAnswer> SendAsync(string method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new(method), new Uri(Address, path));
        request.Headers.Host = "site.test";
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await _client.SendAsync(request);
        return new(
            (int)response.StatusCode, response.ReasonPhrase ?? "", await response.Content.ReadAsByteArrayAsync(),
            response.Headers.Concat(response.Content.Headers).ToDictionary(field => field.Key, field => string.Join(", ", field.Value), StringComparer.OrdinalIgnoreCase));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>What a client got.</summary>
internal sealed record HttpAnswer(int Status, string ReasonPhrase, byte[] Bytes, IReadOnlyDictionary<string, string> Headers)
{
    public string Body => System.Text.Encoding.UTF8.GetString(Bytes);

    public string? this[string name] => Headers.GetValueOrDefault(name);

    /// <summary>What <c>Cache-Status</c> gives as the reason; a plain hit has none.</summary>
    public string Reason => this["Cache-Status"] is { } status && status.Split("detail=") is [_, var detail] ? detail : "";

    public string How => $"{this["X-Cache"]} {Reason} {Body}";
}
