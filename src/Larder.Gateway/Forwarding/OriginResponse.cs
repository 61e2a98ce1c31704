using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.Gateway.Forwarding;

/// <summary>Carries the head and the trailers of the origin's response over to the client's.</summary>
internal static class OriginResponse
{
    /// <summary>Why the response's framing can't be trusted; null if it can.</summary>
    public static OriginFailure? Fault(HttpResponseMessage response, bool upgrade)
    {
        if ((int)response.StatusCode < 200 && !(upgrade && response.StatusCode == HttpStatusCode.SwitchingProtocols))
            return OriginFailure.Protocol("sent a status that is no final answer.");

        if (response.Headers.NonValidated.TryGetValues("Transfer-Encoding", out HeaderStringValues codings)
            && !(codings.Count == 1 && codings.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)))
            return OriginFailure.Protocol("used a transfer coding that is not supported.");

        if (response.Content.Headers.NonValidated.TryGetValues("Content-Length", out HeaderStringValues lengths)
            && !(lengths.Count == 1 && long.TryParse(lengths.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            return OriginFailure.Protocol("sent contradictory or malformed lengths.");
        return null;
    }

    /// <summary>Whether a body may follow the head.</summary>
    public static bool MayHaveBody(HttpRequest request, HttpResponse response) =>
        !HttpMethods.IsHead(request.Method) && response.StatusCode is not (204 or 205 or 304) && response.ContentLength != 0;

    /// <summary>Copies status, reason phrase and end-to-end fields, and adds <c>Via</c>.</summary>
    /// <exception cref="InvalidOperationException">A name or value is not allowed in HTTP.</exception>
    public static void CopyHead(HttpResponseMessage from, HttpContext context)
    {
        HttpResponse to = context.Response;
        to.StatusCode = (int)from.StatusCode;
        if (from.ReasonPhrase is { Length: > 0 } phrase && !phrase.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = phrase;

        from.Headers.NonValidated.TryGetValues("Connection", out HeaderStringValues connection);
        string[] named = connection.Count == 0 ? [] : [.. HeaderRules.Tokens(connection)];
        CopyFields(from.Headers, to, named);
        CopyFields(from.Content.Headers, to, named);
        if (to.StatusCode == 101 && from.Headers.NonValidated.TryGetValues("Upgrade", out HeaderStringValues protocol))
            to.Headers.Upgrade = protocol.ToString();
        if (from.Headers.NonValidated.Contains("Transfer-Encoding") || to.StatusCode is 204 or 205 or 101) to.Headers.ContentLength = null;
        to.Headers.Via = StringValues.Concat(to.Headers.Via, from.Version.Major >= 2 ? "2 larder" : from.Version.Minor == 0 ? "1.0 larder" : "1.1 larder");
    }

    /// <summary>Copies what came after the body, where the client's protocol carries it.</summary>
    public static void CopyTrailers(HttpResponseMessage from, HttpResponse to)
    {
        if (!to.SupportsTrailers()) return;
        foreach (KeyValuePair<string, HeaderStringValues> trailer in from.TrailingHeaders.NonValidated)
        {
            if (HeaderRules.IsHopByHop(trailer.Key) || IsFraming(trailer.Key)) continue;
            to.AppendTrailer(trailer.Key, Values(trailer.Value));
        }
    }

    private static void CopyFields(HttpHeaders from, HttpResponse to, string[] named)
    {
        foreach (KeyValuePair<string, HeaderStringValues> header in from.NonValidated)
        {
            if (HeaderRules.IsHopByHop(header.Key) || IsNamed(header.Key, named)) continue;
            to.Headers[header.Key] = Values(header.Value);
        }
    }

    /// <summary>Fields for every recipient stay, even where <c>Connection</c> names them: a lost <c>Cache-Control</c> would be stored against the origin's will.</summary>
    private static bool IsNamed(string name, string[] named) =>
        named.Length > 0 && named.Contains(name, StringComparer.OrdinalIgnoreCase) && !HeaderRules.IsProtected(name);

    private static bool IsFraming(string name) =>
        name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) || name.Equals("Host", StringComparison.OrdinalIgnoreCase);

    private static StringValues Values(HeaderStringValues values)
    {
        if (values.Count == 1) return values.ToString();
        var lines = new string[values.Count];
        int i = 0;
        foreach (string line in values) lines[i++] = line;
        return lines;
    }
}
