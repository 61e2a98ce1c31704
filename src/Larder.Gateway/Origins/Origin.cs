using Larder.Gateway.Hosting;

namespace Larder.Gateway.Origins;

/// <summary>An origin that requests can be for.</summary>
internal sealed class Origin(OriginOptions options, OriginPool pool, int retries)
{
    /// <summary>What people call it.</summary>
    public string Name => options.Name ?? pool.Servers[0].Address.Name;

    /// <summary>Its servers.</summary>
    public OriginPool Pool => pool;

    /// <summary>What stands before every forwarded path, alike for all servers.</summary>
    public string PathBase => pool.Servers[0].Address.PathBase;

    /// <summary>How often a request may be sent once more.</summary>
    public int Retries => retries;

    /// <summary>Its own header changes.</summary>
    public HeaderChanges Headers => options.Headers;

    /// <summary>Which requests are for it.</summary>
    public OriginOptions Options => options;
}
