using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder;

/// <summary>
/// Writes a key of bounded length in bounded memory. What is longer than the limit is hashed as it is written, over its
/// UTF-16 code units, and ends as <c>head|sha256:digest</c>, where the head is its beginning: patterns still match that.
/// </summary>
/// <remarks>
/// What is written is printable and valid Unicode: control characters, backslashes and lone surrogates become
/// <c>\uXXXX</c>. As a backslash is never written as itself, that maps no two texts to one.
/// </remarks>
internal ref struct KeyWriter(int limit, Span<char> initial) : IDisposable
{
    private const string HashMark = "|sha256:";
    private const int HashLength = 8 + 2 * SHA256.HashSizeInBytes;

    private static readonly SearchValues<char> Special = SearchValues.Create(
        [.. Enumerable.Range(0, 0x10000).Select(c => (char)c).Where(c => char.IsControl(c) || char.IsSurrogate(c) || c == '\\')]);

    private KeyBuilder _head = new(initial);
    private IncrementalHash? _hash;

    /// <summary>Characters written so far, whether or not the key will show them.</summary>
    public long Length { get; private set; }

    /// <summary>Appends what is printable by construction.</summary>
    public void Append(scoped ReadOnlySpan<char> text)
    {
        Length += text.Length;
        if (_hash is null && Length <= limit)
        {
            _head.Append(text);
            return;
        }
        if (_hash is null) BeginHash(text);
        _hash!.AppendData(MemoryMarshal.AsBytes(text));
    }

    public void Append(long number)
    {
        Span<char> digits = stackalloc char[20];
        number.TryFormat(digits, out int written, default, CultureInfo.InvariantCulture);
        Append(digits[..written]);
    }

    /// <summary>Appends any text, escaped.</summary>
    public void AppendEscaped(scoped ReadOnlySpan<char> text)
    {
        for (int special; (special = text.IndexOfAny(Special)) >= 0;)
        {
            Append(text[..special]);
            int length = char.IsHighSurrogate(text[special]) && special + 1 < text.Length && char.IsLowSurrogate(text[special + 1]) ? 2 : 1;
            if (length == 2) Append(text.Slice(special, 2));
            else AppendEscape(text[special]);
            text = text[(special + length)..];
        }
        Append(text);
    }

    /// <summary>Appends <c>length:text</c>; the length is the text's own, before it is escaped.</summary>
    public void AppendPart(scoped ReadOnlySpan<char> text)
    {
        Append(text.Length);
        Append(":");
        AppendEscaped(text);
    }

    public readonly string Finish()
    {
        if (_hash is null) return _head.ToString();
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetCurrentHash(digest);
        return string.Concat(_head.Written, HashMark, Convert.ToHexStringLower(digest));
    }

    public void Dispose()
    {
        _hash?.Dispose();
        _head.Dispose();
    }

    private void BeginHash(scoped ReadOnlySpan<char> overflow)
    {
        _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _hash.AppendData(MemoryMarshal.AsBytes(_head.Written));
        int shown = Math.Max(0, limit - HashLength);
        if (_head.Length > shown) _head.Truncate(shown);
        else _head.Append(overflow[..(shown - _head.Length)]);
        if (_head.Length > 0 && char.IsHighSurrogate(_head.Written[^1])) _head.Truncate(_head.Length - 1);
    }

    private void AppendEscape(char c)
    {
        Span<char> escape = ['\\', 'u', '0', '0', '0', '0'];
        ((int)c).TryFormat(escape[2..], out _, "X4", CultureInfo.InvariantCulture);
        Append(escape);
    }
}
