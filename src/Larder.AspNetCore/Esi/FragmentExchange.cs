using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Makes the request for a fragment: what the page's client would ask the same host for, with its own headers.</summary>
internal static class FragmentExchange
{
    /// <summary>They speak of the page, of its representation or of the connection. An encoded fragment could not be put into a page.</summary>
    private static readonly string[] OfThePage =
    [
        "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range", "Accept-Encoding", "Expect", "Trailer", "TE",
        "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Proxy-Connection", "Max-Forwards", Surrogate.Capability,
    ];

    /// <summary>Null where the fragment is not under the path at which this part of the application begins.</summary>
    public static HttpContext? Create(FragmentRequest asked, Stream body, IHttpRequestLifetimeFeature lifetime)
    {
        HttpContext page = asked.Page;
        string target = asked.Address.Target;
        int question = target.IndexOf('?');
        var path = PathString.FromUriComponent(question < 0 ? target : target[..question]);
        if (!path.StartsWithSegments(asked.Url.PathBase, out PathString rest)) return null;
        HttpContext fragment = DetachedExchange.For(page, new HttpRequestFeature
        {
            Method = HttpMethods.Get,
            Protocol = page.Request.Protocol,
            Scheme = asked.Url.Scheme,
            PathBase = asked.Url.PathBase.Value ?? "",
            Path = rest.Value ?? "",
            QueryString = question < 0 || question == target.Length - 1 ? "" : target[question..],
            RawTarget = target,
            Headers = HeadersOf(asked),
            Body = Stream.Null,
        }, body);
        fragment.Features.Set(lifetime);
        fragment.Features.Set(asked.Level);
        // Who is told apart by a certificate is the same user here.
        if (page.Features.Get<ITlsConnectionFeature>() is { } tls) fragment.Features.Set(tls);
        fragment.TraceIdentifier = page.TraceIdentifier;
        // Services of its own: several are made at once.
        ((DefaultHttpContext)fragment).ServiceScopeFactory = page.RequestServices?.GetService<IServiceScopeFactory>()!;
        return fragment;
    }

    private static HeaderDictionary HeadersOf(FragmentRequest asked)
    {
        IHeaderDictionary client = asked.Page.Request.Headers;
        var headers = new HeaderDictionary(client.Count);
        foreach ((string name, StringValues values) in client)
            if (!name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)) headers[name] = values;
        foreach (string name in OfThePage) headers.Remove(name);
        if (asked.Url.Position is ({ } position, { Count: > 0 } carried)) headers[position] = carried;
        return headers;
    }
}
