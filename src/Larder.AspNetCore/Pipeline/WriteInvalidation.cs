using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>
/// What a write invalidates (RFC 9111 §4.4): its own URL, those that Location and Content-Location name on the same
/// host, and the tags of its rule. Done when the task ends, so before the answer's headers leave.
/// </summary>
internal static class WriteInvalidation
{
    public static async ValueTask RunAsync(HttpCache cache, HttpContext context)
    {
        HttpRequest request = context.Request;
        IHeaderDictionary headers = context.Response.Headers;
        string target = RequestTarget.Of(context).ToString();
        string origin = $"{request.Scheme}://{request.Headers.Host}";
        await InvalidateUrlAsync(cache, origin + target);
        foreach (string url in Named(origin, target, headers.Location)) await InvalidateUrlAsync(cache, url);
        foreach (string url in Named(origin, target, headers.ContentLocation)) await InvalidateUrlAsync(cache, url);
        string path = request.Path.Value ?? "/";
        if (cache.Rules.Find(request.Method, path, isPlain: true) is not { } rule) return;
        foreach (string tag in rule.InvalidatedBy(path)) await cache.Engine.InvalidateAsync(Invalidation.Tag(tag));
    }

    /// <summary>The response without variants stands under the URL itself; variants and users' own carry it as a tag.</summary>
    private static async ValueTask InvalidateUrlAsync(HttpCache cache, string url)
    {
        await cache.Engine.InvalidateAsync(Invalidation.Key(url));
        await cache.Engine.InvalidateAsync(Invalidation.Tag(TagRules.Exact(url)));
    }

    /// <summary>The URLs of a field that lie on the request's own host.</summary>
    private static IEnumerable<string> Named(string origin, string target, StringValues field)
    {
        if (field.Count != 1 || !Uri.TryCreate(origin + target, UriKind.Absolute, out Uri? own)
            || !Uri.TryCreate(own, field[0], out Uri? named)) yield break;
        if (named.Scheme == own.Scheme && named.Authority == own.Authority) yield return origin + named.PathAndQuery;
    }
}
