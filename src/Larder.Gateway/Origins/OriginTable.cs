using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Origins;

/// <summary>
/// Which origin a request is for. The most specific host goes first (exact, then the longest <c>*.</c> name, then any), and of
/// its origins the one with the longest path; where no path there fits, the next host is asked. Host and target are those
/// that the cache keys.
/// </summary>
/// <remarks>
/// A target that servers may read in several ways is forwarded byte for byte, so nobody knows which path the origin will take it for. If the path has a say
/// in the choice, such a target is refused where its readings lead to different origins, and where it climbs: <c>/public/..%2fadmin</c> is neither a way to the
/// origin of <c>/admin</c> nor one out of that of <c>/public</c>. To choose the more specific one instead would still hand one origin a path that belongs to another.
/// Here every escape counts, also one that all servers read alike: <c>/%40internal</c> is <c>/@internal</c> to them, and only to whoever compares bytes it is not.
/// </remarks>
internal sealed class OriginTable
{
    private static readonly Refusal Nobody = new(404, "No origin is configured for this host and path.", Closes: false);
    private static readonly Refusal Ambiguous = new(400, "The request target can be read as several paths, which belong to different origins.");

    private readonly Dictionary<string, Route[]> _exact = new(StringComparer.OrdinalIgnoreCase);
    private readonly (string Suffix, Route[] Routes)[] _below;
    private readonly Route[] _any;
    private readonly Origin? _only;

    public OriginTable(IReadOnlyList<Origin> origins)
    {
        string[] hosts = [.. origins.SelectMany(origin => origin.Options.Hosts).Distinct(StringComparer.OrdinalIgnoreCase)];
        foreach (string host in hosts.Where(host => !IsBelow(host))) _exact[host] = Routes(origins, o => o.Options.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase));
        _below = [.. hosts.Where(IsBelow).OrderByDescending(host => host.Length)
            .Select(host => (host[1..], Routes(origins, o => o.Options.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase))))];
        _any = Routes(origins, origin => origin.Options.Hosts.Count == 0);
        _only = hosts.Length == 0 && _any is [{ Path: "" } only] ? only.Origin : null;
    }

    /// <summary>The origin of a request; otherwise why it is refused.</summary>
    public Refusal? Find(HttpContext context, out Origin? origin)
    {
        origin = _only;
        return origin is not null ? null : Find(context.Request.Headers.Host.ToString(), AspNetCore.RequestTarget.Of(context), out origin);
    }

    /// <summary>The same of a host and a target.</summary>
    public Refusal? Find(string host, ReadOnlySpan<char> target, out Origin? origin)
    {
        string name = HostName(host);
        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query < 0 ? target : target[..query];
        origin = Choose(name, path, out bool pathDecides);
        if (pathDecides && (path.Contains('%') || !AspNetCore.RequestTarget.IsPlain(path)))
        {
            string raw = path.ToString();
            if (Climbs(raw) || Choose(name, AspNetCore.RequestTarget.MostLenient(raw), out _) != origin)
            {
                origin = null;
                return Ambiguous;
            }
        }
        return origin is null ? Nobody : null;
    }

    private Origin? Choose(string name, ReadOnlySpan<char> path, out bool pathDecides)
    {
        pathDecides = false;
        if (_exact.TryGetValue(name, out Route[]? exact) && Longest(exact, path, ref pathDecides) is { } origin) return origin;
        foreach ((string suffix, Route[] routes) in _below)
        {
            if (name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && Longest(routes, path, ref pathDecides) is { } below) return below;
        }
        return Longest(_any, path, ref pathDecides);
    }

    private static Origin? Longest(Route[] routes, ReadOnlySpan<char> path, ref bool pathDecides)
    {
        foreach (Route route in routes)
        {
            pathDecides |= route.Path.Length > 0;
            if (path.StartsWith(route.Path, StringComparison.Ordinal) && (path.Length == route.Path.Length || route.Path.Length == 0 || path[route.Path.Length] == '/')) return route.Origin;
        }
        return null;
    }

    /// <summary>The name of a host field: without port and final dot. The cache's keys are finer, so no two origins share one.</summary>
    private static string HostName(string host)
    {
        int colon = host.LastIndexOf(':');
        if (colon >= 0 && !host.EndsWith(']')) host = host[..colon];
        return host.EndsWith('.') ? host[..^1] : host;
    }

    /// <summary>Whether anybody could find a parent segment in the path.</summary>
    private static bool Climbs(string path)
    {
        for (int times = 0; times < 3 && path.Contains('%', StringComparison.Ordinal); times++) path = Uri.UnescapeDataString(path);
        return path.Split('/', '\\').Any(segment => segment.Split(';')[0].Trim() == "..");
    }

    private static bool IsBelow(string host) => host.StartsWith("*.", StringComparison.Ordinal);

    private static Route[] Routes(IReadOnlyList<Origin> origins, Func<Origin, bool> isFor) =>
        [.. origins.Where(isFor).Select(origin => new Route(origin.Options.Path, origin)).OrderByDescending(route => route.Path.Length)];

    private readonly record struct Route(string Path, Origin Origin);
}
