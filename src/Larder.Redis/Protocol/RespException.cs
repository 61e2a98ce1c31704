namespace Larder.Redis;

/// <summary>What came is not the Redis protocol, or exceeds a limit. Nothing on that connection can be trusted any more: it has to be closed.</summary>
internal sealed class RespException(string message) : Exception(message);
