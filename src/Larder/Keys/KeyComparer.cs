using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder;

/// <summary>
/// Ordinal equality of keys with a seeded hash: 128-bit multiplications folded (the idea of wyhash), three times as
/// fast as the runtime's for keys of usual length. Seed and multipliers are random for each process, so that nobody can
/// prepare keys that collide.
/// </summary>
internal sealed class KeyComparer : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<char>, string>
{
    public static readonly KeyComparer Instance = new();

    // All random: a block that equals a constant that is known would multiply the state away.
    private static readonly ulong K0 = Random64();
    private static readonly ulong K1 = Random64();
    private static readonly ulong Seed = Random64();

    public bool Equals(string? x, string? y) => string.Equals(x, y);

    public int GetHashCode(string key) => Hash(key);

    public bool Equals(ReadOnlySpan<char> alternate, string other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<char> alternate) => Hash(alternate);

    public string Create(ReadOnlySpan<char> alternate) => alternate.ToString();

    public static int Hash(ReadOnlySpan<char> key)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(key);
        ulong state = Seed ^ (ulong)bytes.Length * K0;
        while (bytes.Length > 16)
        {
            state = Fold(Read(bytes) ^ K1, Read(bytes[8..]) ^ state);
            bytes = bytes[16..];
        }
        ulong a = 0, b = 0;
        if (bytes.Length >= 8)
        {
            // The two reads overlap where fewer than sixteen bytes are left; the length is in the state already.
            a = Read(bytes);
            b = Read(bytes[^8..]);
        }
        else if (bytes.Length > 0)
        {
            // Two to six bytes: one to three characters.
            ReadOnlySpan<char> rest = MemoryMarshal.Cast<byte, char>(bytes);
            a = (ulong)rest[0] << 32 | (ulong)rest[rest.Length >> 1] << 16 | rest[^1];
        }
        ulong hash = Fold(a ^ K0 ^ Seed, b ^ state);
        return (int)(hash ^ hash >> 32);
    }

    private static ulong Random64() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    private static ulong Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<ulong>(bytes);

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
