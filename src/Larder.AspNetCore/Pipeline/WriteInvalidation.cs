using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>
/// What a write invalidates (RFC 9111 §4.4): its own URL, those that Location and Content-Location name on the same
/// host, and the tags of its rule. Done when the task ends, so before the answer's headers leave.
/// </summary>
/// <remarks>Made before the application runs: what it makes of path, scheme and host is not what reads are keyed by.</remarks>
internal sealed class WriteInvalidation(HttpCache cache, HttpContext context)
{
    private readonly string _target = RequestTarget.Of(context).ToString();
    private readonly string _origin = UrlOrigin.Of(context.Request);
    private readonly string _method = context.Request.Method;
    private readonly string _path = context.Request.Path.Value ?? "/";

    public async ValueTask RunAsync()
    {
        IHeaderDictionary headers = context.Response.Headers;
        await InvalidateUrlAsync(_origin + _target);
        foreach (string url in Named(headers.Location)) await InvalidateUrlAsync(url);
        foreach (string url in Named(headers.ContentLocation)) await InvalidateUrlAsync(url);
        if (cache.Rules.Find(_method, _path, isPlain: true) is not { } rule) return;
        foreach (string tag in rule.InvalidatedBy(_path)) await cache.InvalidateAsync(Invalidation.Tag(tag));
    }

    /// <summary>The response without variants stands under the URL itself; variants and users' own carry it as a tag.</summary>
    private async ValueTask InvalidateUrlAsync(string url)
    {
        await cache.InvalidateAsync(Invalidation.Key(url));
        await cache.InvalidateAsync(Invalidation.ExactTag(url));
    }

    /// <summary>The URLs of a field that lie on the request's own host.</summary>
    private IEnumerable<string> Named(StringValues field)
    {
        if (field.Count != 1 || !Uri.TryCreate(_origin + _target, UriKind.Absolute, out Uri? own)
            || !Uri.TryCreate(own, field[0], out Uri? named)) yield break;
        if (named.Scheme == own.Scheme && named.Authority == own.Authority) yield return _origin + named.PathAndQuery;
    }
}
