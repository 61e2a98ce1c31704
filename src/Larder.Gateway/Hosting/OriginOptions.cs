using System.Security.Cryptography.X509Certificates;

namespace Larder.Gateway.Hosting;

/// <summary>One of several origins: which requests are for it, and how it is spoken to.</summary>
public sealed record OriginOptions
{
    /// <summary>Most URLs of one origin.</summary>
    public const int MaxUrls = 32;

    /// <summary>What people call it; null, the default, for its first URL.</summary>
    public string? Name { get; init; }

    /// <summary>Its URLs, at least one and at most <see cref="MaxUrls"/>: absolute http or https URIs without user, query and fragment. Several take turns, so all must serve the same; their paths must be alike.</summary>
    public required IReadOnlyList<Uri> Urls { get; init; }

    /// <summary>The hosts whose requests are for it: exact, or <c>*.example.com</c> for every name below one. Empty, the default, for every host.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>The path below which requests are for it, by whole segments, as <c>/api</c>; empty, the default, for every path. It stays in what is forwarded.</summary>
    public string Path { get; init; } = "";

    /// <summary>
    /// HTTP/2: true also without TLS, where the origin must then speak nothing else; false for never. By default it is negotiated where there is TLS. Upgrades are
    /// always asked for over HTTP/1.1.
    /// </summary>
    public bool? Http2 { get; init; }

    /// <summary>The authorities that its certificate may come from, and no others; empty, the default, for those that the system trusts.</summary>
    public IReadOnlyList<X509Certificate2> TrustedRoots { get; init; } = [];

    /// <summary>The name that its certificate must carry and that is asked for in the TLS handshake; null, the default, for the URL's host.</summary>
    public string? ServerName { get; init; }

    /// <summary>How its URLs are checked; null, the default, for no checks of the gateway's own.</summary>
    public HealthCheckOptions? Health { get; init; }

    /// <summary>How often a request may be sent once more to another URL; null, the default, for <see cref="GatewayOptions.Retries"/>.</summary>
    public int? Retries { get; init; }

    /// <summary>Header changes for this origin, made behind the cache: its answers are stored as changed.</summary>
    public HeaderChanges Headers { get; init; } = HeaderChanges.None;
}
