using System.Buffers;
using System.Globalization;

namespace Larder;

/// <summary>
/// Builds keys on the caller's stack. <see cref="Append(ReadOnlySpan{char})"/> adds text as it is, for parts whose characters can't end
/// early; <see cref="AppendPart"/> puts the length in front, so that no two lists of parts make one key.
/// </summary>
internal ref struct KeyBuilder(Span<char> initial) : IDisposable
{
    private Span<char> _chars = initial;
    private char[]? _rented;
    private int _length;

    public readonly ReadOnlySpan<char> Written => _chars[.._length];

    public readonly int Length => _length;

    public void Append(scoped ReadOnlySpan<char> text)
    {
        if (text.Length > _chars.Length - _length) Grow(text.Length);
        text.CopyTo(_chars[_length..]);
        _length += text.Length;
    }

    public void Append(char c)
    {
        if (_length == _chars.Length) Grow(1);
        _chars[_length++] = c;
    }

    /// <summary>Appends <c>length:text</c>.</summary>
    public void AppendPart(scoped ReadOnlySpan<char> text)
    {
        Span<char> digits = stackalloc char[11];
        text.Length.TryFormat(digits, out int written, default, CultureInfo.InvariantCulture);
        Append(digits[..written]);
        Append(':');
        Append(text);
    }

    /// <summary>Drops everything after the first <paramref name="length"/> characters.</summary>
    public void Truncate(int length) => _length = length;

    public override readonly string ToString() => Written.ToString();

    public void Dispose()
    {
        if (_rented is { } rented) ArrayPool<char>.Shared.Return(rented);
        this = default;
    }

    private void Grow(int more)
    {
        char[] next = ArrayPool<char>.Shared.Rent(Math.Max(_length + more, _chars.Length * 2));
        Written.CopyTo(next);
        if (_rented is { } rented) ArrayPool<char>.Shared.Return(rented);
        _chars = _rented = next;
    }
}
