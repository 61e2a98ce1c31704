namespace Larder.Redis;

/// <summary>The hash slot of a name: what Redis Cluster places it by.</summary>
internal static class HashSlot
{
    public const int Count = 16384;

    private static readonly ushort[] Table = MakeTable();

    /// <summary>Of what is in its first braces, if there is anything; else of all of it.</summary>
    public static int Of(ReadOnlySpan<byte> name)
    {
        int open = name.IndexOf((byte)'{');
        if (open >= 0 && name[(open + 1)..].IndexOf((byte)'}') is > 0 and int length) name = name.Slice(open + 1, length);
        return Crc16(name) & (Count - 1);
    }

    public static int Of(in RedisArgument name)
    {
        const int Usual = 512;
        int length = name.Measure();
        Span<byte> bytes = length <= Usual ? stackalloc byte[Usual] : new byte[length];
        name.Write(bytes);
        return Of(bytes[..length]);
    }

    /// <summary>CRC-16/XMODEM.</summary>
    private static ushort Crc16(ReadOnlySpan<byte> bytes)
    {
        ushort crc = 0;
        foreach (byte one in bytes) crc = (ushort)((crc << 8) ^ Table[(crc >> 8) ^ one]);
        return crc;
    }

    private static ushort[] MakeTable()
    {
        const int Polynomial = 0x1021;
        ushort[] table = new ushort[256];
        for (int i = 0; i < table.Length; i++)
        {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            table[i] = (ushort)crc;
        }
        return table;
    }
}
