using System.Globalization;
using System.Net;
using Larder.Gateway.Hosting;

namespace Larder.Gateway.Configuration;

/// <summary>Reads the origins by host and path.</summary>
internal sealed class OriginsReader(ConfigReport report, ConfigFiles files)
{
    private const string Host = "a host such as \"api.example.com\", or \"*.example.com\" for all below it";
    private const string PathAllowed = "a path such as \"/api\", of whole segments that need no encoding, without a slash at its end";
    private const string CheckPath = "a path such as \"/ready\"";
    private const int MaxOrigins = 100;
    private const int MaxHosts = 100;

    private static readonly string[] Known = ["name", "url", "urls", "hosts", "path", "http2", "tls", "health", "retries", "headers"];

    /// <summary>How often a request may be sent once more.</summary>
    public static int? Retries(ConfigMembers members) => (int?)members.Whole("retries", 0, 3, "whole number");

    /// <summary>The origins in <c>origins</c>.</summary>
    public IReadOnlyList<OriginOptions> Read(ConfigMembers members)
    {
        var origins = new List<OriginOptions>();
        var taken = new HashSet<(string Host, string Path)>();
        int count = 0;
        foreach (ConfigMembers origin in members.Objects("origins", Known))
        {
            if (++count == MaxOrigins + 1) report.Add(origin.Line, origin.Place, string.Create(CultureInfo.InvariantCulture, $"this is one too many; allowed are {MaxOrigins} origins"));
            if (Origin(origin) is not { } read) continue;
            origins.Add(read);
            foreach (string host in read.Hosts.DefaultIfEmpty("every host"))
                if (!taken.Add((host.ToLowerInvariant(), read.Path))) report.Add(origin.Line, origin.Place, $"another origin is for the same host ({Shown.Sentence(host)}) and path already");
        }
        return origins;
    }

    private OriginOptions? Origin(ConfigMembers members)
    {
        List<Uri> urls = Urls(members);
        var origin = new OriginOptions
        {
            Urls = urls,
            Name = Name(members),
            Hosts = Hosts(members),
            Path = Path(members),
            Http2 = members.Flag("http2"),
            Retries = Retries(members),
            Headers = new HeadersReader(report).Read(members),
            Health = Health(members),
        };
        origin = Tls(members, origin);
        return urls.Count == 0 ? null : origin;
    }

    private List<Uri> Urls(ConfigMembers members)
    {
        var urls = new List<Uri>();
        if (members.Has("url") == members.Has("urls")) report.Add(members.Line, members.Place, members.Has("url") ? "only one of url and urls is allowed" : "one of url and urls is missing");
        IReadOnlyList<PlacedText> texts = [.. members.Texts("urls", OriginUrl.Allowed, OriginUrl.Allowed) ?? []];
        if (members.Text("url", OriginUrl.Allowed) is { } one) texts = [one];
        if (texts.Count > OriginOptions.MaxUrls) report.Add(members.Line, members.Place, string.Create(CultureInfo.InvariantCulture, $"it has {texts.Count} urls; allowed are {OriginOptions.MaxUrls}"));
        foreach (PlacedText text in texts)
        {
            if (OriginUrl.Read(text.Value, out string? allowed) is not { } url) report.RefuseUrl(text, allowed!);
            else if (urls.Contains(url)) report.RefuseUrl(text, "each URL once");
            else if (urls.Count > 0 && url.AbsolutePath.TrimEnd('/') != urls[0].AbsolutePath.TrimEnd('/')) report.RefuseUrl(text, "the same path as in the origin's other URLs");
            else urls.Add(url);
        }
        return urls;
    }

    private string? Name(ConfigMembers members)
    {
        const string Allowed = "a name of 1 to 60 letters, digits, '-', '_' and '.'";
        if (members.Text("name", Allowed) is not { } name) return null;
        if (name.Value.Length > 60 || !name.Value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')) report.Refuse(name, Allowed);
        return name.Value;
    }

    private List<string> Hosts(ConfigMembers members)
    {
        var hosts = new List<string>();
        foreach (PlacedText host in members.Texts("hosts", Host, Host + "; leave it out for every host") ?? [])
        {
            if (!IsHost(host.Value)) report.Refuse(host, Host);
            else if (hosts.Contains(host.Value, StringComparer.OrdinalIgnoreCase)) report.Refuse(host, "each host once");
            else hosts.Add(host.Value);
        }
        if (hosts.Count > MaxHosts) report.Add(members.Line, members.Place, string.Create(CultureInfo.InvariantCulture, $"it has {hosts.Count} hosts; allowed are {MaxHosts}"));
        return hosts;
    }

    /// <summary>A name without port and final dot, or an IP address as it stands in a URL.</summary>
    private static bool IsHost(string host)
    {
        if (host.StartsWith('[')) return host.EndsWith(']') && IPAddress.TryParse(host, out _);
        string name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
        return name.Length is > 0 and <= 253 && name.Split('.').All(label => label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
    }

    private string Path(ConfigMembers members)
    {
        if (members.Text("path", PathAllowed) is not { } path) return "";
        bool isRight = path.Value.Length is > 1 and <= 1000 && !path.Value.EndsWith('/') && !path.Value.AsSpan().ContainsAny('?', '%')
            && !path.Value.AsSpan().ContainsAnyExceptInRange('!', '~') && AspNetCore.RequestTarget.IsPlain(path.Value);
        if (!isRight) report.Refuse(path, PathAllowed + "; leave it out for every path");
        return path.Value;
    }

    private HealthCheckOptions? Health(ConfigMembers members)
    {
        if (members.Object("health", "path", "every", "timeout") is not { } health) return null;
        PlacedText? path = health.Text("path", CheckPath);
        if (!health.Has("path")) report.Add(health.Line, health.Place, $"path is missing: {CheckPath}");
        if (path is { } text && (!text.Value.StartsWith('/') || text.Value.Length > 1000 || Forwarding.RequestTarget.Parse(text.Value).Refusal is not null)) report.Refuse(text, CheckPath);
        var defaults = new HealthCheckOptions { Path = path?.Value ?? "/" };
        return defaults with
        {
            Every = health.Seconds("every", 1, 3600) ?? defaults.Every,
            Timeout = health.Seconds("timeout", ConfigLimits.LeastTimeoutSeconds, 60) ?? defaults.Timeout,
        };
    }

    private OriginOptions Tls(ConfigMembers members, OriginOptions origin)
    {
        if (members.Object("tls", "ca", "serverName") is not { } tls) return origin;
        if (tls.Text("ca", "the name of a PEM file") is { } ca) origin = origin with { TrustedRoots = files.Authorities(ca) };
        if (tls.Text("serverName", Host) is { } name)
        {
            if (!IsHost(name.Value) || name.Value.StartsWith('*')) report.Refuse(name, "a name such as \"api.example.com\"");
            origin = origin with { ServerName = name.Value };
        }
        if (!origin.Urls.Any(url => url.Scheme == Uri.UriSchemeHttps)) report.Add(tls.Line, tls.Place, "it is for origins whose URL begins with https");
        return origin;
    }
}
