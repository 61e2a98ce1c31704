using System.Security.Cryptography;
using System.Text;

namespace Larder.Redis;

/// <summary>A Lua script that the server keeps: it is sent by its hash, and whole where the server does not know it yet.</summary>
internal sealed class RedisScript(string source)
{
    private readonly byte[] _source = Encoding.ASCII.GetBytes(source);
    // The name that the server gives a script; nothing rests on its strength.
    private readonly byte[] _hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA1.HashData(Encoding.ASCII.GetBytes(source))));

    /// <summary>Runs it.</summary>
    /// <param name="words">The number of keys, the keys, then the arguments.</param>
    /// <param name="isAsking">Whether the node is taking the keys' hash slot over (<see cref="RedisConnection.SendAskingAsync"/>).</param>
    public async ValueTask<RedisReply> RunAsync(RedisConnection connection, RedisArgument[] words, TimeSpan timeout, bool isAsking = false)
    {
        RedisReply reply = await SendAsync(["EVALSHA", _hash, .. words]).ConfigureAwait(false);
        // It did nothing: scripts are forgotten with a restart, and may be flushed.
        return reply.Error is { } error && error.Is("NOSCRIPT") ? await SendAsync(["EVAL", _source, .. words]).ConfigureAwait(false) : reply;

        ValueTask<RedisReply> SendAsync(RedisArgument[] command) => isAsking ? connection.SendAskingAsync(command, timeout) : connection.SendAsync(command, timeout);
    }
}
