using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;

namespace Larder.Redis;

/// <summary>
/// Reads replies of RESP2 and RESP3 from bytes that come in pieces. See the protocol's specification at
/// redis.io/docs/latest/develop/reference/protocol-spec; what that calls streamed types is refused, as no server sends any.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Every byte is looked at a fixed number of times, however small the pieces: what was taken is remembered as state (a line begun,
///    a string begun, the values whose items are still to come), never read again.
/// 2. A length is a claim. Memory is taken for what has arrived and a bounded step ahead.
/// 3. What is malformed or beyond <see cref="RespLimits"/> is a <see cref="RespException"/>; nothing can be read after it.
/// </remarks>
internal sealed class RespReader(RespLimits limits)
{
    private const int FirstItems = 64;
    /// <summary>A reply of fewer bytes has an array of its own: that costs less than to give one back.</summary>
    private const int SmallestRented = 256;

    private readonly BulkReader _bulk = new();
    private readonly List<Parent> _parents = [];
    private byte[] _line = new byte[256];
    private int _lineLength;
    private byte _bulkType;
    private byte[]? _string;
    private Expecting _expecting;
    private int _elements;
    private long _bytes;

    private enum Expecting : byte { Line, Bulk, CarriageReturn, LineFeed }

    /// <summary>A value whose items are still coming.</summary>
    private struct Parent(RespKind kind, bool isAttribute, int count)
    {
        public readonly RespKind Kind = kind;
        /// <summary>What says something about the value that follows; it is read and forgotten.</summary>
        public readonly bool IsAttribute = isAttribute;
        public readonly int Count = count;
        public int Filled;
        public RespValue[] Items = isAttribute ? [] : new RespValue[Math.Min(count, FirstItems)];
    }

    /// <summary>Takes bytes from the front of the input until a reply is complete or there are no more.</summary>
    /// <returns>Whether <paramref name="value"/> is a reply; if not, the whole input has been taken.</returns>
    /// <exception cref="RespException">It is not the protocol, or too much.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, out RespValue value)
    {
        while (input.Length > 0)
        {
            if (_expecting == Expecting.Line ? TakeLine(ref input, out value) : TakeBulk(ref input, out value))
            {
                _elements = 0;
                _bytes = 0;
                return true;
            }
        }
        value = default;
        return false;
    }

    private bool TakeLine(ref ReadOnlySpan<byte> input, out RespValue value)
    {
        value = default;
        int end = input.IndexOf((byte)'\n');
        ReadOnlySpan<byte> piece = end < 0 ? input : input[..(end + 1)];
        if (_lineLength + piece.Length > limits.Line) throw new RespException($"A line is longer than {limits.Line} bytes.");
        input = input[piece.Length..];
        if (end >= 0 && _lineLength == 0) return Header(piece, out value);

        if (_line.Length < _lineLength + piece.Length) Array.Resize(ref _line, Math.Max(_line.Length * 2, _lineLength + piece.Length));
        piece.CopyTo(_line.AsSpan(_lineLength));
        _lineLength += piece.Length;
        if (end < 0) return false;
        int length = _lineLength;
        _lineLength = 0;
        return Header(_line.AsSpan(0, length), out value);
    }

    /// <param name="line">With its end.</param>
    private bool Header(ReadOnlySpan<byte> line, out RespValue value)
    {
        if (line.Length < 3 || line[^2] != '\r') throw new RespException("A line does not end with CR LF, or is empty.");
        if (++_elements > limits.Elements) throw new RespException($"A reply has more than {limits.Elements} values.");
        ReadOnlySpan<byte> rest = line[1..^2];
        value = default;
        switch ((char)line[0])
        {
            case '$' or '=' or '!':
                _bulkType = line[0];
                return BeginBulk(rest, out value);
            case '*': return BeginItems(RespKind.Array, rest, out value);
            case '~': return BeginItems(RespKind.Array, rest, out value, mayBeNull: false);
            case '%': return BeginItems(RespKind.Map, rest, out value, mayBeNull: false);
            case '>': return BeginItems(RespKind.Push, rest, out value, mayBeNull: false);
            case '|': return BeginItems(RespKind.Map, rest, out value, mayBeNull: false, isAttribute: true);
            case '+': return Complete(RespValue.OfText(TextOf(rest)), out value);
            case ',' or '(' when rest.Length > 0: return Complete(RespValue.OfText(TextOf(rest)), out value);
            case '-': return Complete(RespValue.OfError(RedisError.Parse(rest)), out value);
            case ':': return Complete(RespValue.OfInteger(Number(rest)), out value);
            case '_' when rest.Length == 0: return Complete(RespValue.Null, out value);
            case '#' when rest is [(byte)'t']: return Complete(RespValue.OfBoolean(true), out value);
            case '#' when rest is [(byte)'f']: return Complete(RespValue.OfBoolean(false), out value);
            default: throw new RespException("A value is of no known type, or not as its type says.");
        }
    }

    private bool BeginBulk(ReadOnlySpan<byte> rest, out RespValue value)
    {
        value = default;
        long length = Number(rest);
        if (length == -1 && _bulkType == '$') return Complete(RespValue.Null, out value);
        if (length < 0) throw new RespException("A string has a negative length.");
        if (length > limits.Bytes - _bytes || length > Array.MaxLength) throw new RespException($"A reply has more than {limits.Bytes} bytes.");
        _bytes += length;
        _bulk.Begin((int)length, mayRent: _bulkType == '$' && _parents.Count == 0 && length >= SmallestRented);
        _expecting = Expecting.Bulk;
        return false;
    }

    private bool TakeBulk(ref ReadOnlySpan<byte> input, out RespValue value)
    {
        value = default;
        if (_expecting == Expecting.Bulk)
        {
            _string = _bulk.Take(ref input);
            if (_string is null) return false;
            _expecting = Expecting.CarriageReturn;
        }
        for (; _expecting != Expecting.Line; input = input[1..])
        {
            if (input.Length == 0) return false;
            if (input[0] != (_expecting == Expecting.CarriageReturn ? '\r' : '\n')) throw new RespException("A string does not end where its length says.");
            _expecting = _expecting == Expecting.CarriageReturn ? Expecting.LineFeed : Expecting.Line;
        }
        byte[] bytes = _string!;
        _string = null;
        return Complete(BulkValue(bytes), out value);
    }

    private RespValue BulkValue(byte[] bytes)
    {
        if (_bulkType == '!') return RespValue.OfError(RedisError.Parse(bytes));
        if (_bulkType == '$') return _bulk.IsRented ? RespValue.OfRented(bytes, _bulk.Length) : RespValue.OfBytes(bytes);
        const int Format = 4;
        if (bytes.Length < Format || bytes[Format - 1] != ':') throw new RespException("A verbatim string does not say its format.");
        return RespValue.OfBytes(bytes[Format..]);
    }

    private bool BeginItems(RespKind kind, ReadOnlySpan<byte> rest, out RespValue value, bool mayBeNull = true, bool isAttribute = false)
    {
        value = default;
        long count = Number(rest);
        if (count == -1 && mayBeNull) return Complete(RespValue.Null, out value);
        if (count < 0) throw new RespException("A value has a negative number of items.");
        if (count > limits.Elements) throw new RespException($"A reply has more than {limits.Elements} values.");
        if (kind == RespKind.Map) count *= 2;
        if (kind == RespKind.Push && _parents.Count > 0) throw new RespException("A push is inside of another value.");
        if (count == 0) return !isAttribute && Complete(RespValue.OfItems(kind, []), out value);
        if (_parents.Count == limits.Depth) throw new RespException($"A reply is nested deeper than {limits.Depth}.");
        _parents.Add(new(kind, isAttribute, (int)count));
        return false;
    }

    /// <summary>A value is complete: either it is the reply, or an item, which may complete its parent and so on.</summary>
    private bool Complete(RespValue item, out RespValue reply)
    {
        while (_parents.Count > 0)
        {
            ref Parent parent = ref CollectionsMarshal.AsSpan(_parents)[^1];
            Add(ref parent, item);
            reply = default;
            if (parent.Filled < parent.Count) return false;
            bool isAttribute = parent.IsAttribute;
            item = RespValue.OfItems(parent.Kind, parent.Items);
            _parents.RemoveAt(_parents.Count - 1);
            if (isAttribute) return false;
        }
        reply = item;
        return true;
    }

    private static void Add(ref Parent parent, RespValue item)
    {
        int at = parent.Filled++;
        if (parent.IsAttribute) return;
        if (at == parent.Items.Length) Array.Resize(ref parent.Items, Math.Min(parent.Count, at * 2));
        parent.Items[at] = item;
    }

    private static long Number(ReadOnlySpan<byte> text)
    {
        if (Utf8Parser.TryParse(text, out long number, out int used) && used == text.Length) return number;
        throw new RespException("A number is none, or too large.");
    }

    private static string TextOf(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("OK"u8) ? "OK" : text.SequenceEqual("PONG"u8) ? "PONG" : Encoding.UTF8.GetString(text);
}
