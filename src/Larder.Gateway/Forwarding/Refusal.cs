namespace Larder.Gateway.Forwarding;

/// <summary>A request that is answered here because it can't be forwarded, or not faithfully. The detail never repeats what the client sent.</summary>
/// <param name="Closes">Whether the connection ends, too: where its next bytes may be read in several ways.</param>
internal sealed record Refusal(int Status, string Detail, bool Closes = true);
