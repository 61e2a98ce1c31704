namespace Larder.Gateway.Forwarding;

/// <summary>Where the forwarder sends requests and how long it waits.</summary>
internal sealed record ForwarderOptions
{
    /// <summary>The origin: scheme <c>http</c> or <c>https</c>, host, port and an optional path base. User information in it is ignored.</summary>
    public required Uri Origin { get; init; }

    /// <summary>The longest time that opening a connection (with TLS) may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait for response headers, counted from the last progress of the request body.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time in which neither body makes any progress once response headers have come.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
