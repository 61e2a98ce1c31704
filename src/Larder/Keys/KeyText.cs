using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder;

/// <summary>
/// A text as it stands in a key: itself while it is short, otherwise its length and the SHA-256 of its UTF-16 code units.
/// A long one is hashed piece by piece and never held whole.
/// </summary>
internal readonly record struct KeyText(string? Readable, long Length, string? Digest)
{
    private const int ChunkChars = 16_384;

    public static KeyText Of(string text, int maxReadable) =>
        text.Length <= maxReadable
            ? new(text, text.Length, null)
            : new(null, text.Length, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()))));

    public static KeyText Of(in ReadOnlySequence<char> text, int maxReadable)
    {
        if (text.Length <= maxReadable) return Of(text.ToString(), maxReadable);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<char> piece in text) hash.AppendData(MemoryMarshal.AsBytes(piece.Span));
        return new(null, text.Length, Finish(hash));
    }

    public static async ValueTask<KeyText> ReadAsync(TextReader text, int maxReadable, CancellationToken cancellationToken)
    {
        // Room for a text that just fits, and for one character more, which tells that it does not.
        char[] chunk = ArrayPool<char>.Shared.Rent(Math.Max(ChunkChars, maxReadable + 1));
        try
        {
            int filled = await FillAsync(text, chunk, cancellationToken).ConfigureAwait(false);
            if (filled <= maxReadable) return Of(new string(chunk, 0, filled), maxReadable);
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long length = 0;
            for (; filled > 0; filled = await FillAsync(text, chunk, cancellationToken).ConfigureAwait(false))
            {
                length += filled;
                hash.AppendData(MemoryMarshal.AsBytes(chunk.AsSpan(0, filled)));
            }
            return new(null, length, Finish(hash));
        }
        finally
        {
            // Texts may be private: what the pool hands on must not tell of them.
            ArrayPool<char>.Shared.Return(chunk, clearArray: true);
        }
    }

    public void WriteTo(ref KeyWriter key)
    {
        if (Readable is { } readable)
        {
            key.Append(" t");
            key.AppendPart(readable);
            return;
        }
        key.Append(" #");
        key.Append(Length);
        key.Append(":");
        key.Append(Digest);
    }

    private static async ValueTask<int> FillAsync(TextReader text, char[] chunk, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < chunk.Length && await text.ReadAsync(chunk.AsMemory(filled), cancellationToken).ConfigureAwait(false) is > 0 and var read) filled += read;
        return filled;
    }

    private static string Finish(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
