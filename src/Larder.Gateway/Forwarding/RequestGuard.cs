using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Decides whether a request can be forwarded faithfully, and takes out of it what the origin will not get: the fields
/// named by <c>Connection</c>, and forwarding headers that a client may not set. The forwarder applies it; a host applies
/// it before its cache too, so that the cache sees the request that the origin sees. Applying it twice changes nothing.
/// Kestrel replaces a <c>Connection</c> field that has <c>close</c>, <c>keep-alive</c> or <c>Upgrade</c> in it by that word
/// alone: other names beside it are not seen here, so what they name is forwarded, never wrongly removed.
/// </summary>
internal static class RequestGuard
{
    private static readonly Refusal BadConnection = new(400, "The Connection header names a header that is meant for every recipient.");
    private static readonly Refusal BadValue = new(400, "A request header contains a control character.");
    private static readonly Refusal BadMethod = new(400, "The request method differs from a standard method in case only.");
    private static readonly Refusal BadMaxForwards = new(400, "The Max-Forwards header is not one whole number.");
    private static readonly Refusal NoTunnels = new(501, "CONNECT is not forwarded.");

    /// <summary>Cleans the request; returns why it is refused, or null.</summary>
    public static Refusal? Apply(HttpContext context)
    {
        if (!IsExtendedConnect(context) && MethodRefusal(context.Request.Method) is { } method) return method;
        RequestTarget target = TargetOf(context);
        return target.Refusal ?? HeaderRefusal(context.Request.Headers) ?? MaxForwardsRefusal(context.Request);
    }

    /// <summary>The target of the request as it came in.</summary>
    public static RequestTarget TargetOf(HttpContext context) =>
        RequestTarget.Parse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);

    /// <summary>Whether the request is a WebSocket opened over HTTP/2 (RFC 8441).</summary>
    public static bool IsExtendedConnect(HttpContext context) =>
        context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } feature
        && string.Equals(feature.Protocol, "websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>The value of <c>Max-Forwards</c> where it has a meaning (TRACE and OPTIONS); null elsewhere.</summary>
    public static int? MaxForwards(HttpRequest request)
    {
        if (request.Headers["Max-Forwards"] is not [{ } value] || !(HttpMethods.IsTrace(request.Method) || HttpMethods.IsOptions(request.Method)))
            return null;
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int hops) ? hops : int.MaxValue;
    }

    /// <summary><see cref="HttpClient"/> writes known methods in upper case: another case would not arrive as sent.</summary>
    private static Refusal? MethodRefusal(string method)
    {
        if (HttpMethods.IsConnect(method)) return NoTunnels;
        string canonical = HttpMethods.GetCanonicalizedValue(method);
        return string.Equals(canonical, method, StringComparison.Ordinal) ? null : BadMethod;
    }

    private static Refusal? HeaderRefusal(IHeaderDictionary headers)
    {
        List<string>? remove = null;
        foreach (KeyValuePair<string, StringValues> header in headers)
        {
            foreach (string? value in header.Value)
            {
                if (HeaderRules.HasControl(value)) return BadValue;
            }
            if (HeaderRules.IsUntrusted(header.Key)) (remove ??= []).Add(header.Key);
        }

        foreach (string name in HeaderRules.Tokens(headers.Connection))
        {
            if (HeaderRules.IsProtected(name)) return BadConnection;
            if (!HeaderRules.IsHopByHop(name) && headers.ContainsKey(name)) (remove ??= []).Add(name);
        }

        if (remove is null) return null;
        foreach (string name in remove) headers.Remove(name);
        return null;
    }

    private static Refusal? MaxForwardsRefusal(HttpRequest request)
    {
        StringValues lines = request.Headers["Max-Forwards"];
        if (lines.Count == 0 || MaxForwards(request) is null && lines.Count == 1) return null;
        return lines is [{ Length: > 0 } value] && !value.AsSpan().ContainsAnyExceptInRange('0', '9') ? null : BadMaxForwards;
    }
}
