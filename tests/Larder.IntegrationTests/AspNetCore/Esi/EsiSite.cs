using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http.Esi;

/// <summary>A site of pages by path. What begins with "esi:" opts in by its header; every answer to a path is noted.</summary>
internal sealed class EsiSite
{
    private readonly Dictionary<string, Func<HttpContext, Task>> _pages = [];
    private readonly Dictionary<string, int> _calls = [];

    public int Calls(string path)
    {
        lock (_calls) return _calls.GetValueOrDefault(path);
    }

    /// <summary>A page of HTML that may be kept for a minute.</summary>
    public EsiSite Page(string path, string body, string cacheControl = "max-age=60", bool asks = false, params (string Name, string Value)[] headers) => Page(path, context =>
    {
        context.Response.ContentType = "text/html";
        context.Response.Headers.CacheControl = cacheControl;
        if (asks) context.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
        foreach ((string name, string value) in headers) context.Response.Headers[name] = value;
        return context.Response.WriteAsync(body.Replace("{n}", Calls(path).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
    });

    public EsiSite Template(string path, string body, string cacheControl = "max-age=60", params (string Name, string Value)[] headers) => Page(path, body, cacheControl, true, headers);

    public EsiSite Page(string path, Func<HttpContext, Task> answer)
    {
        _pages[path] = answer;
        return this;
    }

    public Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        lock (_calls) _calls[path] = _calls.GetValueOrDefault(path) + 1;
        if (_pages.TryGetValue(path, out Func<HttpContext, Task>? page)) return page(context);
        context.Response.StatusCode = 404;
        return Task.CompletedTask;
    }

    /// <summary>A fragment is a call of its own, so calls are not compared with requests.</summary>
    public Task<Site> StartAsync(Action<HttpCacheOptions>? rules = null) => Site.StartAsync(app =>
    {
        app.UseLarder();
        app.Run(AnswerAsync);
    }, rules ?? (http => http.Esi.Enabled = true), accounts: false);
}
