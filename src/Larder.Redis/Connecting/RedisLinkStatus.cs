namespace Larder.Redis;

internal enum RedisLinkState : byte
{
    /// <summary>A connection is being opened or prepared.</summary>
    Connecting,
    /// <summary>Commands are sent.</summary>
    Connected,
    /// <summary>There is none, and the next attempt is waited for.</summary>
    Down,
}

/// <summary>What a link is for.</summary>
internal enum LinkUse : byte
{
    /// <summary>Commands on slots, and the steps on the log.</summary>
    Commands,
    /// <summary>Reading the log: that blocks.</summary>
    Log,
    /// <summary>Questions about the cluster.</summary>
    Map,
}

/// <summary>Where a link stands.</summary>
/// <param name="State">The state.</param>
/// <param name="Endpoint">The server it is about; null before the first attempt.</param>
/// <param name="Why">Why there is no connection, without secrets; null where nothing has failed.</param>
internal sealed record RedisLinkStatus(RedisLinkState State, RedisEndpoint? Endpoint = null, string? Why = null);
