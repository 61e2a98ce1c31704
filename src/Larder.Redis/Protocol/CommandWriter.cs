using System.Buffers;
using System.Diagnostics;
using System.Globalization;

namespace Larder.Redis;

/// <summary>Writes commands as Redis reads them: an array of strings.</summary>
internal static class CommandWriter
{
    private const int MaxArguments = 1 << 16;
    /// <summary>A sign, ten digits, CR LF, and the CR LF of what went before.</summary>
    private const int HeaderRoom = 16;

    /// <summary>The bytes of a command, exactly.</summary>
    /// <exception cref="ArgumentException">It has no words, too many, or one that is no Unicode.</exception>
    public static long Measure(ReadOnlySpan<RedisArgument> command)
    {
        if (command.Length is 0 or > MaxArguments) throw new ArgumentException($"A command has 1 to {MaxArguments} words; this one has {command.Length}.", nameof(command));
        long size = HeaderLength(command.Length);
        foreach (ref readonly RedisArgument argument in command)
        {
            int length = argument.Measure();
            size += HeaderLength(length) + length + 2;
        }
        return size;
    }

    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<RedisArgument> command)
    {
        Span<byte> head = output.GetSpan(HeaderRoom);
        output.Advance(Header(head, '*', command.Length));
        foreach (ref readonly RedisArgument argument in command)
        {
            int length = argument.Measure();
            Span<byte> span = output.GetSpan(HeaderRoom + length + 2);
            int used = Header(span, '$', length);
            argument.Write(span[used..]);
            span[used + length] = (byte)'\r';
            span[used + length + 1] = (byte)'\n';
            output.Advance(used + length + 2);
        }
    }

    private static int Header(Span<byte> into, char sign, int number)
    {
        into[0] = (byte)sign;
        bool fits = number.TryFormat(into[1..], out int digits, default, CultureInfo.InvariantCulture);
        Debug.Assert(fits);
        into[digits + 1] = (byte)'\r';
        into[digits + 2] = (byte)'\n';
        return digits + 3;
    }

    private static int HeaderLength(int number)
    {
        int digits = 1;
        for (; number >= 10; number /= 10) digits++;
        return digits + 3;
    }
}
