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
    private readonly string _host = RuleSubject.HostOf(context.Request.Headers.Host.ToString()).ToString();
    private readonly string _method = context.Request.Method;
    private readonly string _path = context.Request.Path.Value ?? "/";

    /// <remarks>Each takes effect here as it is begun, in order; their ways to the log, where there is one, they go side by side.</remarks>
    public Task RunAsync() => Task.WhenAll(Events().Select(what => cache.InvalidateAsync(what).AsTask()).ToList());

    /// <summary>What ends all responses of one URL, given in the spelling of keys.</summary>
    public static IEnumerable<Invalidation> OfUrl(string url)
    {
        // The response without variants stands under the URL itself; variants and users' own carry it as a tag, and so does all under a long one.
        if (!FetchKey.IsLong(url)) yield return Invalidation.Key(url);
        yield return Invalidation.ExactTag(url);
        // Where a rule changes the query, all of a path carry that.
        if (url.Contains('?', StringComparison.Ordinal)) yield return Invalidation.ExactTag(UrlOrigin.WithoutQuery(url));
    }

    private IEnumerable<Invalidation> Events()
    {
        IHeaderDictionary headers = context.Response.Headers;
        foreach (string target in (string[])[_target, .. Named(headers.Location), .. Named(headers.ContentLocation)])
            foreach (Invalidation what in OfUrl(_origin + target)) yield return what;
        foreach (string tag in EndpointRule.InvalidatedBy(context)) yield return Invalidation.Tag(tag);
        // Of a safe method's answer the field means nothing (RFC 9875 §3).
        if (!HttpMethods.IsGet(_method) && !HttpMethods.IsHead(_method))
            foreach (Invalidation group in ResponseTags.InvalidatedGroups(headers, _origin)) yield return group;
        if (cache.Rules.Find(new(_method, _host, _path, isPlain: true)) is not { } rule) yield break;
        foreach (string tag in rule.InvalidatedBy(_path, context.Request.RouteValues)) yield return Invalidation.Tag(tag);
    }

    /// <summary>The targets of a field's URL, where it lies on the request's own host.</summary>
    private IEnumerable<string> Named(StringValues field)
    {
        if (field.Count != 1 || !Uri.TryCreate(_origin + _target, UriKind.Absolute, out Uri? own)
            || !Uri.TryCreate(own, field[0], out Uri? named)) yield break;
        if (named.Scheme == own.Scheme && named.Authority == own.Authority) yield return named.PathAndQuery;
    }
}
