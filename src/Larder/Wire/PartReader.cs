using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Larder;

/// <summary>Reads length-prefixed parts; whatever is over its limit or not there ends the reading with an outcome that stays.</summary>
internal ref struct PartReader(ReadOnlySpan<byte> bytes, int at)
{
    private const uint NotThere = uint.MaxValue;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where the next part begins.</summary>
    public int At { get; private set; } = at;

    public WireOutcome Outcome { get; private set; }

    /// <summary>The next part's bytes; empty when the outcome is no longer <see cref="WireOutcome.Done"/>.</summary>
    public ReadOnlySpan<byte> Part(long most)
    {
        if (Outcome != WireOutcome.Done) return default;
        if (_bytes.Length - At < sizeof(uint)) return Fail(WireOutcome.Malformed);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[At..]);
        if (length > most) return Fail(WireOutcome.TooLarge);
        if (length > _bytes.Length - At - sizeof(uint)) return Fail(WireOutcome.Malformed);
        At += sizeof(uint) + (int)length;
        return _bytes.Slice(At - (int)length, (int)length);
    }

    public string Text(long most) => TextOf(Part(most));

    /// <summary>The name of a type: the program's own string where it uses that type.</summary>
    public string TypeName() => Part(WireLimits.MaxTypeBytes) is var part && TypeNames.Known(part) is { } known ? known : TextOf(part);

    private string TextOf(ReadOnlySpan<byte> part)
    {
        if (Utf8.IsValid(part)) return Encoding.UTF8.GetString(part);
        Fail(WireOutcome.Malformed);
        return "";
    }

    /// <summary>A text, or null where it is marked as not there.</summary>
    public string? OptionalText(long most)
    {
        if (_bytes.Length - At < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(_bytes[At..]) != NotThere) return Text(most);
        At += sizeof(uint);
        return null;
    }

    /// <summary>Whether so many parts can follow at all; each has at least its length.</summary>
    public bool HasRoomFor(int parts)
    {
        if (Outcome == WireOutcome.Done && _bytes.Length - At < (long)parts * sizeof(uint)) Fail(WireOutcome.Malformed);
        return Outcome == WireOutcome.Done;
    }

    private ReadOnlySpan<byte> Fail(WireOutcome outcome)
    {
        Outcome = outcome;
        return default;
    }
}
