namespace Larder.Gateway.Forwarding;

/// <summary>A request that is answered here because it can't be forwarded faithfully. The detail never repeats what the client sent.</summary>
internal sealed record Refusal(int Status, string Detail);
