namespace Larder.AspNetCore.Rfc9111;

/// <summary>What a bare item of a structured field is (RFC 9651 §3.3).</summary>
internal enum StructuredKind : byte
{
    /// <summary>A whole number.</summary>
    Integer,
    /// <summary>A number with a fraction.</summary>
    Decimal,
    /// <summary>Text in quotes.</summary>
    String,
    /// <summary>A word.</summary>
    Token,
    /// <summary>Bytes in base 64.</summary>
    Bytes,
    /// <summary>True or false.</summary>
    Boolean,
    /// <summary>An instant, in seconds since 1970.</summary>
    Date,
    /// <summary>Text with escapes for what is not ASCII.</summary>
    DisplayString,
    /// <summary>Several items in brackets.</summary>
    InnerList,
}

/// <summary>One member of a structured dictionary or list, with the names of its parameters.</summary>
/// <param name="Key">Its key; empty in a list.</param>
/// <param name="Kind">Its type.</param>
/// <param name="Integer">Its value, where it is an integer; 1 or 0 where it is true or false.</param>
/// <param name="Text">Its value, where it is a string or a token.</param>
/// <param name="Parameters">The keys of its parameters; null where there are none.</param>
internal readonly record struct StructuredItem(string Key, StructuredKind Kind, long Integer, string Text, string[]? Parameters)
{
    /// <summary>The member is there and is no value: <c>key</c> or <c>key=?1</c>.</summary>
    public bool IsTrue => Kind == StructuredKind.Boolean && Integer == 1;
}
