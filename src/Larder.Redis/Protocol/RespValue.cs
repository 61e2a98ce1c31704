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

    /// <summary>The bytes of a bulk or verbatim string; null for anything else.</summary>
    public byte[]? Bytes => _content as byte[];

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
        RespKind.Bytes => Encoding.UTF8.GetString((byte[])_content!),
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
            RespKind.Bytes => Utf8Parser.TryParse(Bytes, out number, out int used) && used == Bytes!.Length,
            RespKind.Text => long.TryParse((string)_content!, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out number),
            _ => false,
        };
    }

    public static RespValue Null => default;

    public static RespValue OfInteger(long number) => new(RespKind.Integer, null, number);

    public static RespValue OfBoolean(bool value) => new(RespKind.Boolean, null, value ? 1 : 0);

    public static RespValue OfText(string text) => new(RespKind.Text, text);

    public static RespValue OfBytes(byte[] bytes) => new(RespKind.Bytes, bytes);

    public static RespValue OfError(RedisError error) => new(RespKind.Error, error);

    public static RespValue OfItems(RespKind kind, RespValue[] items) => new(kind, items);

    /// <summary>Its shape; never its content, which may be anybody's secret.</summary>
    public override string ToString() => Kind switch
    {
        RespKind.Error => Error!.ToString(),
        RespKind.Bytes => $"Bytes({Bytes!.Length})",
        RespKind.Array or RespKind.Map or RespKind.Push => $"{Kind}({Items.Length})",
        _ => Kind.ToString(),
    };
}
