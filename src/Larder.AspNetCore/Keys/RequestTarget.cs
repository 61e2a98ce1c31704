using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>The request target as it came over the wire.</summary>
internal static class RequestTarget
{
    /// <summary>
    /// Path and query as sent. An absolute form loses scheme and authority, which the request's own say already; other
    /// forms (<c>*</c>, an authority) come back empty.
    /// </summary>
    public static ReadOnlySpan<char> Of(HttpContext context)
    {
        string? raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        return string.IsNullOrEmpty(raw)
            ? string.Concat(context.Request.PathBase, context.Request.Path, context.Request.QueryString.Value)
            : PathAndQuery(raw);
    }

    /// <summary>The same of a raw target, not empty; the one reading that keys, writes and forwarding share.</summary>
    public static ReadOnlySpan<char> PathAndQuery(string raw)
    {
        if (raw[0] == '/') return raw;
        int authority = raw.IndexOf("://", StringComparison.Ordinal);
        if (authority < 0) return default;
        int path = raw.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0) return "/";
        path += authority + 3;
        // An absolute form may leave out the path before its query.
        return raw[path] == '/' ? raw.AsSpan(path) : string.Concat("/", raw.AsSpan(path));
    }

    /// <summary>
    /// Whether every server reads the path alike: no empty or dot segments, no backslash, and nothing encoded that
    /// needs no encoding or that some servers decode into structure. Only such paths are given a lifetime by a rule.
    /// </summary>
    public static bool IsPlain(ReadOnlySpan<char> target)
    {
        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query < 0 ? target : target[..query];
        if (path.IsEmpty || path[0] != '/' || path.ContainsAny("\\;#") || path.Contains("//", StringComparison.Ordinal)) return false;
        for (int slash = 0; slash >= 0;)
        {
            ReadOnlySpan<char> rest = path[(slash + 1)..];
            int next = rest.IndexOf('/');
            if ((next < 0 ? rest : rest[..next]) is "." or "..") return false;
            slash = next < 0 ? -1 : slash + 1 + next;
        }
        return HasPlainEscapes(path);
    }

    /// <summary>
    /// The path as the most lenient server would read it: decoded as often as it can be, ended by whatever anybody takes
    /// for an end, without path parameters, empty and dot segments.
    /// </summary>
    public static string MostLenient(string path)
    {
        for (int times = 0; times < 3 && path.Contains('%'); times++) path = Uri.UnescapeDataString(path);
        int end = path.AsSpan().IndexOfAny('?', '#', '\0');
        var segments = new List<string>();
        foreach (string part in (end < 0 ? path : path[..end]).Split('/', '\\'))
        {
            int parameters = part.IndexOf(';');
            string segment = (parameters < 0 ? part : part[..parameters]).Trim();
            if (segment == ".." && segments.Count > 0) segments.RemoveAt(segments.Count - 1);
            else if (segment is not ("" or "." or "..")) segments.Add(segment);
        }
        return '/' + string.Join('/', segments);
    }

    private static bool HasPlainEscapes(ReadOnlySpan<char> path)
    {
        for (int at = path.IndexOf('%'); at >= 0;)
        {
            if (at + 2 >= path.Length || !char.IsAsciiHexDigit(path[at + 1]) || !char.IsAsciiHexDigit(path[at + 2])) return false;
            char c = (char)(Convert.ToByte(path.Slice(at + 1, 2).ToString(), 16));
            if (c <= '\u001f' || c == '\u007f' || char.IsAsciiLetterOrDigit(c) || "-._~/\\;%?#&".Contains(c, StringComparison.Ordinal)) return false;
            // Never part of UTF-8; an overlong form of a slash or dot to a decoder that does not look.
            if (c is '\u00c0' or '\u00c1' or >= '\u00f5') return false;
            int next = path[(at + 3)..].IndexOf('%');
            at = next < 0 ? -1 : at + 3 + next;
        }
        return true;
    }
}
