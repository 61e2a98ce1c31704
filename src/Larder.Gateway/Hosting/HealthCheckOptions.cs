namespace Larder.Gateway.Hosting;

/// <summary>How the URLs of an origin are checked: <c>GET</c> to a path, where 200 to 399 means healthy.</summary>
public sealed record HealthCheckOptions
{
    /// <summary>The path, with a query if need be; it follows the path of the URL.</summary>
    public required string Path { get; init; }

    /// <summary>The time from one check to the next; 10 seconds by default.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest that a check may take; 5 seconds by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}
