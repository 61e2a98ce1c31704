namespace Larder.Redis;

/// <summary>What a value of the Redis protocol is; the types of RESP2 and RESP3, as far as a reader needs to tell them apart.</summary>
internal enum RespKind : byte
{
    /// <summary>No value: <c>_</c>, <c>$-1</c>, <c>*-1</c>.</summary>
    Null,
    /// <summary>A line of text (<c>+</c>), or a double (<c>,</c>) or big number (<c>(</c>) as it was written.</summary>
    Text,
    /// <summary>Any bytes (<c>$</c>), or a verbatim string (<c>=</c>) without the three letters of its format.</summary>
    Bytes,
    /// <summary>A 64-bit integer (<c>:</c>).</summary>
    Integer,
    /// <summary><c>#t</c> or <c>#f</c>.</summary>
    Boolean,
    /// <summary>What the server refused (<c>-</c>, <c>!</c>).</summary>
    Error,
    /// <summary>Values in order (<c>*</c>), or a set of them (<c>~</c>).</summary>
    Array,
    /// <summary>Keys and values in turns (<c>%</c>).</summary>
    Map,
    /// <summary>A message that answers no command (<c>&gt;</c>).</summary>
    Push,
}
