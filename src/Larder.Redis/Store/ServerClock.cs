using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Larder.Redis;

/// <summary>Says who a server is, and what its clock reads against the cache's own.</summary>
internal sealed class ServerClock(CacheClock clock, TimeProvider time)
{
    /// <summary>Those that were described: a server is asked for many slots before it says anew who it is.</summary>
    private readonly ConditionalWeakTable<ServerIdentity, Described> _known = [];

    private sealed class Described(RemoteServer server)
    {
        public RemoteServer Server => server;
    }

    public TimeProvider Time => time;

    /// <summary>What the engine needs of a server; false where the server does not say who it is, or is no master.</summary>
    public bool TryDescribe(ServerIdentity identity, out RemoteServer server)
    {
        server = default;
        if (identity is not { RunId: not null, ReplicationId: not null, Role: "master", Time: { } wall }) return false;
        server = _known.TryGetValue(identity, out Described? known) ? known.Server : Remember(identity, wall);
        return true;
    }

    /// <summary>Apart from the usual case, whose calls allocate nothing.</summary>
    private RemoteServer Remember(ServerIdentity identity, DateTimeOffset wall) => _known.GetValue(identity, identity => new(Describe(identity, wall))).Server;

    private RemoteServer Describe(ServerIdentity identity, DateTimeOffset wall)
    {
        // Taken as read when the question was sent: the server's clock is never thought to be behind where it is.
        long before = clock.Now;
        long sinceAsked = (long)time.GetElapsedTime(identity.TimeAsked).TotalMilliseconds;
        // Three clocks are read in whole milliseconds; and this thread may have stood still between two of them.
        long doubt = (long)time.GetElapsedTime(identity.TimeAsked, identity.TimeAnswered).TotalMilliseconds + 3 + (clock.Now - before);
        return new(IdentityOf(identity), new(wall.ToUnixTimeMilliseconds(), before - sinceAsked)) { Doubt = doubt };
    }

    private static UInt128 IdentityOf(ServerIdentity server)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes($"{server.RunId} {server.ReplicationId}"), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }
}
