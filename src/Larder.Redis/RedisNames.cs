using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Larder.Redis;

/// <summary>What things are called in Redis (docs/invalidation.md, "Names").</summary>
internal sealed class RedisNames
{
    public const int MaxPrefixLength = 64;
    private const int LongestKeyBytes = 400;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _prefix;
    private readonly byte[] _entryPrefix;

    /// <param name="prefix">What every name begins with: letters, digits and <c>: . _ -</c>, up to <see cref="MaxPrefixLength"/>.</param>
    /// <exception cref="ArgumentException">It is none.</exception>
    public RedisNames(string prefix)
    {
        if (!IsPrefix(prefix))
            throw new ArgumentException($"A prefix has 1 to {MaxPrefixLength} letters, digits, colons, dots, underscores and dashes.", nameof(prefix));
        _prefix = prefix;
        _entryPrefix = Encoding.ASCII.GetBytes(prefix + "e:");
        (State, Groups, Keys, Nodes) = (prefix + "{log}:state", prefix + "{log}:groups", prefix + "{log}:keys", prefix + "{log}:nodes");
        (Sweeper, AllSlots) = (prefix + "{log}:sweeper", prefix + "[eh]:*");
    }

    /// <summary>Which node sweeps.</summary>
    public string Sweeper { get; }

    /// <summary>A pattern of <c>SCAN</c>; among what it finds may be slots of a cache whose own prefix begins with this one.</summary>
    public string AllSlots { get; }

    /// <summary>No brace: it would choose the server of every name.</summary>
    public static bool IsPrefix(string text) => text.Length is > 0 and <= MaxPrefixLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '.' or '_' or '-');

    public string State { get; }

    public string Groups { get; }

    public string Keys { get; }

    /// <summary>The leases of strict nodes.</summary>
    public string Nodes { get; }

    /// <summary>The same as <see cref="SlotOf"/> as a word of a command, without making a string of it.</summary>
    public RedisArgument SlotWordOf(string key) => IsNamedByHash(key) ? SlotOf(key) : RedisArgument.Joined(_entryPrefix, key);

    /// <summary>The slot of a key. Keys that would choose a server by a brace, long ones, and those that are no Unicode are named by their hash.</summary>
    public string SlotOf(string key) =>
        IsNamedByHash(key)
            ? $"{_prefix}h:{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan())))}"
            : $"{_prefix}e:{key}";

    private static bool IsNamedByHash(string key) => key.Contains('{') || !IsShortText(key);

    private static bool IsShortText(string key)
    {
        if (key.Length > LongestKeyBytes) return false;
        try
        {
            return Utf8.GetByteCount(key) <= LongestKeyBytes;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }
}
