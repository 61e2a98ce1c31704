using System.Buffers;
using System.Buffers.Binary;
using System.Text.Unicode;

namespace Larder;

/// <summary>Writes length-prefixed parts into memory whose size is known to do; what can't be written is noted, and nothing is then used.</summary>
internal ref struct PartWriter(Span<byte> target, int at)
{
    private readonly Span<byte> _target = target;

    /// <summary>Where the next part goes.</summary>
    public int At { get; private set; } = at;

    public WireOutcome Outcome { get; private set; }

    public void Part(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_target[(At + sizeof(uint))..]);
        Finish(bytes.Length);
    }

    /// <summary>Text in UTF-8; half a surrogate pair has none, and replacing it would make two texts one.</summary>
    public void Text(ReadOnlySpan<char> text, int most)
    {
        OperationStatus status = Utf8.FromUtf16(text, _target[(At + sizeof(uint))..], out _, out int written, replaceInvalidSequences: false);
        if (status != OperationStatus.Done) Outcome = WireOutcome.Malformed;
        else if (written > most) Outcome = WireOutcome.TooLarge;
        else Finish(written);
    }

    public void OptionalText(string? text, int most)
    {
        if (text is not null)
        {
            Text(text, most);
            return;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(_target[At..], uint.MaxValue);
        At += sizeof(uint);
    }

    private void Finish(int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_target[At..], length);
        At += sizeof(uint) + length;
    }
}
