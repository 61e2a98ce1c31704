using Larder.Gateway.Hosting;

namespace Larder.Gateway.Forwarding;

/// <summary>Where the forwarder sends requests and how long it waits.</summary>
internal sealed record ForwarderOptions
{
    /// <summary>The origin of requests that none of <see cref="Origins"/> is for: scheme <c>http</c> or <c>https</c>, host, port and an optional path base. User information in it is ignored. Null for none.</summary>
    public Uri? Origin { get; init; }

    /// <summary>Origins by host and path.</summary>
    public IReadOnlyList<OriginOptions> Origins { get; init; } = [];

    /// <summary>How often an idempotent request without a body may be sent once more, to another URL of its origin.</summary>
    public int Retries { get; init; } = 1;

    /// <summary>Header changes of all requests that are forwarded; those of answers are made in front of the cache, not here.</summary>
    public HeaderChanges Headers { get; init; } = HeaderChanges.None;

    /// <summary>How the origin is told of the client.</summary>
    public ForwardingForm Form { get; init; } = ForwardingForm.XForwarded;

    /// <summary>The longest time that opening a connection (with TLS) may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait for response headers, counted from the last progress of the request body.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time in which neither body makes any progress once response headers have come.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
