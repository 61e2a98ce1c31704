using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder.AspNetCore;

/// <summary>
/// Tells sets of rules apart wherever stored responses leave the process: a SHA-256 over all that decides under which key a response is stored, for
/// whom, how long and with which tags. What is stored says nothing of rules, for it was stored under these; under others it is a miss.
/// </summary>
/// <remarks>
/// Each text and list is preceded by its length, each time span is its ticks, or -1 where there is none. Who the user of a request is
/// (<see cref="HttpCacheOptions.User"/>) is a function, of which only can be told whether there is one.
/// </remarks>
internal static class RulesFingerprint
{
    public const int Bytes = SHA256.HashSizeInBytes;

    /// <summary>Raised when rules come to mean something else.</summary>
    private const int Version = 1;

    public static byte[] Of(HttpCacheOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Number(Version);
        Number(options.CacheProvocableErrors ? 1 : 0);
        Number(options.ForwardingHeadersAreStripped ? 1 : 0);
        Number(options.User is null ? 0 : 1);
        Number(options.Rules.Count);
        foreach (CacheRule rule in options.Rules)
        {
            Text(rule.Pattern.Kind);
            Text(rule.Pattern.Text);
            Texts(rule.Methods);
            Span(rule.Ttl);
            Number((int)rule.Scope);
            Number(rule.Never ? 1 : 0);
            Texts(rule.Tags);
            Texts(rule.Invalidates);
            Span(rule.StaleIfError);
            Span(rule.StaleWhileRevalidate);
        }
        return hash.GetHashAndReset();

        void Number(long number)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            hash.AppendData(bytes);
        }

        void Span(TimeSpan? span) => Number(span?.Ticks ?? -1);

        void Text(string text)
        {
            Number(text.Length);
            hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
        }

        void Texts(IReadOnlyList<string> texts)
        {
            Number(texts.Count);
            foreach (string text in texts) Text(text);
        }
    }
}
