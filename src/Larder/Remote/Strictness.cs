namespace Larder;

/// <summary>What a node with the Redis tier does while it can't know whether its memory still holds.</summary>
public enum Strictness : byte
{
    /// <summary>It goes on serving what it has, within the limits of <c>docs/invalidation.md</c>: other nodes' events reach it as soon as Redis is back.</summary>
    Available,
    /// <summary>It serves nothing from memory: no reader is handed what an event has ended that was acknowledged as far as <see cref="InvalidationReach.Everywhere"/>.</summary>
    Strict,
}
