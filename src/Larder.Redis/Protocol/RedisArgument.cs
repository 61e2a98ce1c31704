using System.Text;

namespace Larder.Redis;

/// <summary>One word of a command: text, bytes or a number, written straight into the output. Bytes are copied when the command is sent, not before.</summary>
internal readonly struct RedisArgument
{
    /// <summary>Text that is no Unicode is refused: what would be put in its place could be another key's.</summary>
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private const int LongestNumber = 20;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly string? _text;
    private readonly long _number;
    private readonly bool _isNumber;

    private RedisArgument(ReadOnlyMemory<byte> bytes, string? text) => (_bytes, _text) = (bytes, text);

    private RedisArgument(long number) => (_number, _isNumber) = (number, true);

    /// <summary>Bytes and text as one word: a key and what all keys begin with.</summary>
    public static RedisArgument Joined(ReadOnlyMemory<byte> prefix, string text) => new(prefix, text);

    public static implicit operator RedisArgument(string text) => new(default, text);

    public static implicit operator RedisArgument(byte[] bytes) => new(bytes, null);

    public static implicit operator RedisArgument(ReadOnlyMemory<byte> bytes) => new(bytes, null);

    public static implicit operator RedisArgument(long number) => new(number);

    /// <summary>How many bytes it has.</summary>
    /// <exception cref="ArgumentException">The text is no Unicode.</exception>
    public int Measure()
    {
        if (!_isNumber) return checked(_bytes.Length + (_text is null ? 0 : Utf8.GetByteCount(_text)));
        Span<byte> digits = stackalloc byte[LongestNumber];
        _number.TryFormat(digits, out int length, default, System.Globalization.CultureInfo.InvariantCulture);
        return length;
    }

    /// <param name="into">At least as long as <see cref="Measure"/> says.</param>
    public void Write(Span<byte> into)
    {
        if (_isNumber)
        {
            _number.TryFormat(into, out _, default, System.Globalization.CultureInfo.InvariantCulture);
            return;
        }
        _bytes.Span.CopyTo(into);
        if (_text is not null) Utf8.GetBytes(_text, into[_bytes.Length..]);
    }
}
