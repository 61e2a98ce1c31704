using Larder.AspNetCore;

namespace Larder.Gateway.Hosting;

/// <summary>What one gateway is: where it listens, what it caches, and its limits.</summary>
public sealed record GatewayOptions
{
    /// <summary>Where the gateway listens if nothing else is said: loopback only.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>
    /// The origin: an absolute http or https URI without user, query and fragment. A path in it stands before every forwarded path. Beside
    /// <see cref="Origins"/> it is for the requests that none of them is for; null for none.
    /// </summary>
    public Uri? Origin { get; init; }

    /// <summary>Origins by host and path; none by default. A request that no origin is for is answered 404.</summary>
    public IReadOnlyList<OriginOptions> Origins { get; init; } = [];

    /// <summary>How often an idempotent request without a body may be sent once more to another URL of its origin, while no answer has come: 0 to 3, 1 by default.</summary>
    public int Retries { get; init; } = 1;

    /// <summary>Header changes of all requests to origins, and of all answers to clients, which are made in front of the cache.</summary>
    public HeaderChanges Headers { get; init; } = HeaderChanges.None;

    /// <summary>How origins are told of the client; <c>X-Forwarded-*</c> by default.</summary>
    public ForwardingForm Forwarding { get; init; } = ForwardingForm.XForwarded;

    /// <summary>Where the gateway listens, as <c>http://host:port</c> or <c>https://host:port</c>. Port 0 is any free one. A host other than an IP address or <c>localhost</c> means all interfaces.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [DefaultUrl];

    /// <summary>Those of <see cref="Urls"/> that speak HTTP/2 without TLS, and nothing else; none by default.</summary>
    public IReadOnlyList<string> Http2Urls { get; init; } = [];

    /// <summary>The certificate of the https URLs; null, the default, where there are none.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>The longest time that opening a connection to the origin may take; 5 seconds by default.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait for the origin's response headers; 60 seconds by default.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time in which no byte of a body moves; 60 seconds by default.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most entries in memory; 100,000 by default.</summary>
    public int MaxEntries { get; init; } = 100_000;

    /// <summary>Most bytes in memory; 100 MB by default.</summary>
    public long MaxBytes { get; init; } = 100L << 20;

    /// <summary>Largest body that is stored, in bytes; larger ones pass through. 64 MB by default.</summary>
    public long MaxBodyBytes { get; init; } = 64L << 20;

    /// <summary>How long a response is kept beyond its freshness; one hour by default.</summary>
    public TimeSpan KeepStale { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Also caches answers such as 400 and 503 where the origin declares them fresh; off by default, since one odd request could deny a resource to all.</summary>
    public bool CacheErrors { get; init; }

    /// <summary>
    /// Where the Redis is that several gateways share, as a connection string (<see cref="Larder.Redis.RedisOptions.Parse"/>); null, the default, for a gateway
    /// by itself. It may hold a password.
    /// </summary>
    public string? Redis { get; init; }

    /// <summary>How it caches, beside rules and limits.</summary>
    public CachingOptions Caching { get; init; } = new();

    /// <summary>Rules in order; the first match wins. Without a rule RFC 9111 alone decides.</summary>
    public IReadOnlyList<CacheRule> Rules { get; init; } = [];

    /// <summary>
    /// The request header whose value tells users apart, for rules with <see cref="RuleScope.Private"/>; <c>Authorization</c>
    /// by default. It must be one that the origin verifies: whoever sends the same value is served the same answers.
    /// </summary>
    public string PrivateUserHeader { get; init; } = "Authorization";

    /// <summary>What it is in short. Never shows a password.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"GatewayOptions {{ Origin = {Origin?.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}, Origins = {Origins.Count}, Urls = {string.Join(", ", Urls)}, Rules = {Rules.Count}, Redis = {(Redis is null ? "" : "given")} }}");
}
