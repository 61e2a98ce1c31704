using System.Buffers.Text;
using System.Text;

namespace Larder.Redis;

/// <summary>
/// One value of a reply: a leaf, or a tree of them. Nobody changes it; whoever is given <see cref="Bytes"/> owns that array.
/// </summary>
internal readonly struct RespValue
{
    private readonly object? _content;
    private readonly long _number;

    private RespValue(RespKind kind, object? content, long number = 0) => (Kind, _content, _number) = (kind, content, number);

    public RespKind Kind { get; }

    public bool IsNull => Kind == RespKind.Null;

    /// <summary>The bytes of a bulk or verbatim string, in an array of their own; null for anything else.</summary>
    public byte[]? Bytes => Rented is null ? _content as byte[] : Memory.ToArray();

    /// <summary>The same where they lie; empty for anything else.</summary>
    public ReadOnlyMemory<byte> Memory => Rented is { } rented ? rented.AsMemory(0, (int)_number) : _content as byte[];

    /// <summary>
    /// The array of the shared pool that the bytes lie in; null where they have one of their own. Whoever was given the value may give the array back when
    /// nobody looks at them any more, once; the collector takes it otherwise.
    /// </summary>
    public byte[]? Rented => Kind == RespKind.Bytes && _number > 0 ? (byte[])_content! : null;

    /// <summary>The error; null for anything else.</summary>
    public RedisError? Error => _content as RedisError;

    /// <summary>The values of an array, set or push, keys and values of a map in turns; none for anything else.</summary>
    public ReadOnlyMemory<RespValue> Items => _content as RespValue[];

    /// <summary>The boolean; false for anything else.</summary>
    public bool Boolean => Kind == RespKind.Boolean && _number != 0;

    /// <summary>The text of a line, a number, or of bytes read as UTF-8; null for anything else.</summary>
    public string? Text => Kind switch
    {
        RespKind.Text => (string)_content!,
        RespKind.Bytes => Encoding.UTF8.GetString(Memory.Span),
        RespKind.Integer => _number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <summary>Whether it is an integer, or text that is one: RESP2 says many numbers so.</summary>
    public bool TryGetInteger(out long number)
    {
        number = _number;
        return Kind switch
        {
            RespKind.Integer => true,
            RespKind.Bytes => Utf8Parser.TryParse(Memory.Span, out number, out int used) && used == Memory.Length,
            RespKind.Text => long.TryParse((string)_content!, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out number),
            _ => false,
        };
    }

    public static RespValue Null => default;

    public static RespValue OfInteger(long number) => new(RespKind.Integer, null, number);

    public static RespValue OfBoolean(bool value) => new(RespKind.Boolean, null, value ? 1 : 0);

    public static RespValue OfText(string text) => new(RespKind.Text, text);

    public static RespValue OfBytes(byte[] bytes) => new(RespKind.Bytes, bytes);

    /// <param name="rented">Of the shared pool.</param>
    /// <param name="length">How many bytes of it; not 0.</param>
    public static RespValue OfRented(byte[] rented, int length) => new(RespKind.Bytes, rented, length);

    public static RespValue OfError(RedisError error) => new(RespKind.Error, error);

    public static RespValue OfItems(RespKind kind, RespValue[] items) => new(kind, items);

    /// <summary>Its shape; never its content, which may be anybody's secret.</summary>
    public override string ToString() => Kind switch
    {
        RespKind.Error => Error!.ToString(),
        RespKind.Bytes => $"Bytes({Memory.Length})",
        RespKind.Array or RespKind.Map or RespKind.Push => $"{Kind}({Items.Length})",
        _ => Kind.ToString(),
    };
}
