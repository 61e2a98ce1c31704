using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Larder.Redis;

/// <summary>Says who a server is, and what its clock reads against the cache's own.</summary>
internal sealed class ServerClock(CacheClock clock, TimeProvider time)
{
    /// <summary>Who was described last: a server is asked for many slots before it is another one.</summary>
    private Named? _last;

    private sealed record Named(ServerIdentity Server, UInt128 Identity);

    /// <summary>What the engine needs of a server; false where the server does not say who it is, or is no master.</summary>
    public bool TryDescribe(ServerIdentity identity, out RemoteServer server)
    {
        server = default;
        if (identity is not { RunId: not null, ReplicationId: not null, Role: "master", Time: { } wall }) return false;
        Named? named = Volatile.Read(ref _last);
        if (!ReferenceEquals(named?.Server, identity)) Volatile.Write(ref _last, named = new(identity, IdentityOf(identity)));
        // Taken as read when the question was sent: the server's clock is never thought to be behind where it is.
        long sinceAsked = (long)time.GetElapsedTime(identity.TimeAsked).TotalMilliseconds;
        // Three clocks are read in whole milliseconds.
        long doubt = (long)time.GetElapsedTime(identity.TimeAsked, identity.TimeAnswered).TotalMilliseconds + 3;
        server = new(named.Identity, new(wall.ToUnixTimeMilliseconds(), clock.Now - sinceAsked)) { Doubt = doubt };
        return true;
    }

    private static UInt128 IdentityOf(ServerIdentity server)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes($"{server.RunId} {server.ReplicationId}"), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }
}
