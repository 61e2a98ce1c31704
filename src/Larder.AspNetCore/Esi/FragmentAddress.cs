using System.Buffers;

namespace Larder.AspNetCore;

/// <summary>Where a fragment is: the target as it would stand in a request, and the authority where that is not the page's own.</summary>
internal readonly record struct FragmentAddress(string Target, string? OtherOrigin)
{
    /// <summary>As long as a key's URL may be.</summary>
    private const int Longest = 8 * 1024;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\\"<>^`{|} ");
    private static readonly SearchValues<char> HostChars = SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_:[]");

    /// <summary>
    /// Resolves what stands in <c>src</c> against the page's URL (RFC 3986 §5.2). Null where it leads nowhere: another scheme than http and https, a user
    /// in front of the host, characters that no URL has, and paths that servers may read in several ways.
    /// </summary>
    /// <param name="source">What stands there, without entities.</param>
    /// <param name="origin">Scheme and authority of the page, as <see cref="UrlOrigin"/> spells them.</param>
    /// <param name="target">The page's path and query.</param>
    public static FragmentAddress? Resolve(string source, string origin, string target)
    {
        if (source.Length > Longest || source.AsSpan().ContainsAny(Forbidden) || source.AsSpan().ContainsAnyExceptInRange('!', '~')) return null;
        int hash = source.IndexOf('#');
        ReadOnlySpan<char> reference = hash < 0 ? source : source.AsSpan(0, hash);
        string? other = null;
        int colon = reference.IndexOf(':');
        string scheme = origin[..origin.IndexOf(':')];
        if (colon > 0 && reference[..colon].IndexOfAny("/?") < 0)
        {
            scheme = reference[..colon].ToString().ToLowerInvariant();
            if (scheme is not ("http" or "https") || !reference[(colon + 1)..].StartsWith("//")) return null;
            reference = reference[(colon + 1)..];
        }
        if (reference.StartsWith("//"))
        {
            int end = reference[2..].IndexOfAny("/?");
            ReadOnlySpan<char> authority = end < 0 ? reference[2..] : reference.Slice(2, end);
            if (!IsAuthority(authority)) return null;
            string named = OriginOf(scheme, authority);
            if (named != origin) other = named;
            reference = end < 0 ? "/" : reference[(2 + end)..];
            if (reference[0] == '?') reference = string.Concat("/", reference);
        }
        string resolved = Merge(target, reference);
        return resolved.Length <= Longest && RequestTarget.IsPlain(resolved) ? new(resolved, other) : null;
    }

    /// <summary>Whether the text is a host, perhaps with a port: no user, no path, nothing that is read in two ways.</summary>
    public static bool IsAuthority(ReadOnlySpan<char> text) => !text.IsEmpty && text[0] != ':' && !text.ContainsAnyExcept(HostChars);

    /// <summary>Whether another host is named in the list, with its port where that is not its scheme's own.</summary>
    public static bool IsAllowed(string otherOrigin, IEnumerable<string> allowed)
    {
        ReadOnlySpan<char> authority = otherOrigin.AsSpan(otherOrigin.IndexOf("://", StringComparison.Ordinal) + 3);
        foreach (string host in allowed)
            if (authority.Equals(host, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    public static string OriginOf(string scheme, ReadOnlySpan<char> authority)
    {
        var key = new KeyBuilder(stackalloc char[128]);
        UrlOrigin.Append(ref key, scheme, authority);
        string origin = key.ToString();
        key.Dispose();
        return origin;
    }

    private static string Merge(string target, ReadOnlySpan<char> reference)
    {
        int question = target.IndexOf('?');
        ReadOnlySpan<char> path = question < 0 ? target : target.AsSpan(0, question);
        if (reference.IsEmpty) return target;
        if (reference[0] == '?') return string.Concat(path, reference);
        if (reference[0] != '/') reference = string.Concat(path[..(path.LastIndexOf('/') + 1)], reference);
        int query = reference.IndexOf('?');
        return query < 0 ? WithoutDots(reference) : string.Concat(WithoutDots(reference[..query]), reference[query..]);
    }

    /// <summary>RFC 3986 §5.2.4, of a path that begins with a slash.</summary>
    private static string WithoutDots(ReadOnlySpan<char> path)
    {
        if (!path.Contains("/.", StringComparison.Ordinal)) return path.ToString();
        var kept = new List<string>();
        string[] segments = path[1..].ToString().Split('/');
        foreach (string segment in segments)
        {
            if (segment == ".." && kept.Count > 0) kept.RemoveAt(kept.Count - 1);
            else if (segment is not ("." or "..")) kept.Add(segment);
        }
        // What ends in a dot segment names a folder.
        if (segments[^1] is "." or "..") kept.Add("");
        return '/' + string.Join('/', kept);
    }
}
