using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Security.Cryptography;
using Larder.Gateway.Hosting;
using Larder.Gateway.Origins;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Makes the origin's request out of the client's, which <see cref="RequestGuard"/> has passed. Several lines of one
/// field arrive as one line with commas (cookies: semicolons): <see cref="SocketsHttpHandler"/> writes no other form.
/// </summary>
internal static class OriginRequest
{
    /// <summary>Builds the request for an exchange.</summary>
    public static HttpRequestMessage Build(HttpContext context, ForwardingPlan plan, Origin origin, OriginServer server, string target, string? upgrade, Exchange exchange)
    {
        HttpRequest client = context.Request;
        bool tunnel = upgrade is not null;
        bool extended = tunnel && RequestGuard.IsExtendedConnect(context);
        (Version version, HttpVersionPolicy policy) = server.VersionFor(tunnel);
        var request = new HttpRequestMessage(extended ? HttpMethod.Get : new HttpMethod(client.Method), server.Address.For(target))
        {
            Version = version,
            VersionPolicy = policy,
            Content = tunnel ? null : Body(context, exchange),
        };

        foreach (KeyValuePair<string, StringValues> header in client.Headers)
        {
            if (!StaysHere(header.Key) && (request.Content is RequestBody || !IsExpect(header.Key))) Add(request, header.Key, header.Value);
        }
        AddHopByHop(request, client, upgrade);
        AddForwarding(request, context, plan);
        FieldEditor.Apply(plan.Options.Headers.Request, request);
        FieldEditor.Apply(origin.Headers.Request, request);
        if (extended)
            request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        return request;
    }

    /// <summary>The protocols that the client asks to switch to, if the server can switch and they may be forwarded; else null.</summary>
    public static string? UpgradeOf(HttpContext context)
    {
        if (RequestGuard.IsExtendedConnect(context)) return "websocket";
        StringValues protocols = context.Request.Headers.Upgrade;
        if (protocols.Count == 0 || context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }) return null;

        // Never h2c: what follows on such a connection would be requests that the gateway does not see.
        foreach (string protocol in HeaderRules.Tokens(protocols))
        {
            if (protocol.StartsWith("h2", StringComparison.OrdinalIgnoreCase) || protocol.StartsWith("HTTP/", StringComparison.OrdinalIgnoreCase))
                return null;
        }
        return protocols.ToString();
    }

    private static bool StaysHere(string name) =>
        HeaderRules.IsHopByHop(name) || HeaderRules.IsUntrusted(name)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Max-Forwards", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith(':');

    /// <summary>Where there is no body, there is nothing to expect; the handler would send such a request, of whatever method, once more on another connection.</summary>
    private static bool IsExpect(string name) => name.Equals("Expect", StringComparison.OrdinalIgnoreCase);

    private static void Add(HttpRequestMessage request, string name, StringValues values)
    {
        if (TryAdd(request.Headers, name, values)) return;
        request.Content ??= new ByteArrayContent([]);
        TryAdd(request.Content.Headers, name, values);
    }

    private static bool TryAdd(System.Net.Http.Headers.HttpHeaders headers, string name, StringValues values) =>
        values is [var single] ? headers.TryAddWithoutValidation(name, single) : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    private static void AddHopByHop(HttpRequestMessage request, HttpRequest client, string? upgrade)
    {
        if (upgrade is not null)
        {
            request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            request.Headers.TryAddWithoutValidation("Upgrade", upgrade);
        }
        if (HeaderRules.HasToken(client.Headers.TE, "trailers"))
        {
            request.Headers.TryAddWithoutValidation("Connection", "TE");
            request.Headers.TryAddWithoutValidation("TE", "trailers");
        }
        if (RequestGuard.MaxForwards(client) is > 0 and int hops)
            request.Headers.TryAddWithoutValidation("Max-Forwards", (hops - 1).ToString(CultureInfo.InvariantCulture));
    }

    private static void AddForwarding(HttpRequestMessage request, HttpContext context, ForwardingPlan plan)
    {
        ForwardingForm form = plan.Options.Form;
        if (form is ForwardingForm.XForwarded or ForwardingForm.Both)
        {
            if (ForwardedField.PeerOf(context) is { } peer)
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", peer.ToString());
            if (context.Request.Headers.Host is [{ Length: > 0 } host])
                request.Headers.TryAddWithoutValidation("X-Forwarded-Host", host);
            request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", context.Request.Scheme);
        }
        if (form is ForwardingForm.Forwarded or ForwardingForm.Both)
            request.Headers.TryAddWithoutValidation("Forwarded", ForwardedField.Of(context));
        request.Headers.TryAddWithoutValidation("Via", plan.Name.ViaOf(context.Request.Protocol));
    }

    /// <summary>
    /// The body, if there is one. A bodiless request whose method is not idempotent gets an empty one: the handler
    /// repeats requests without content on a fresh connection when a pooled one turns out to be closed.
    /// </summary>
    private static HttpContent? Body(HttpContext context, Exchange exchange)
    {
        if (MayHaveBody(context)) return new RequestBody(context, context.Request.ContentLength, exchange);
        return IsIdempotent(context.Request.Method) ? null : new ByteArrayContent([]);
    }

    /// <summary>Whether a body follows, or may follow, the client's head.</summary>
    public static bool MayHaveBody(HttpContext context)
    {
        long? length = context.Request.ContentLength;
        return length != 0 && (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? length is not null);
    }

    /// <summary>Whether a request may be sent twice for once (RFC 9110 §9.2.2).</summary>
    public static bool IsIdempotent(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
        || HttpMethods.IsTrace(method) || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method);
}
