using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder.Redis;

/// <summary>What is in a slot: an identity, and what is stored behind it, encrypted where there is a cipher.</summary>
internal static class SlotContent
{
    public const int IdentityBytes = 16;

    public static byte[] NewIdentity() => RandomNumberGenerator.GetBytes(IdentityBytes);

    public static UInt128 IdentityOf(ReadOnlySpan<byte> slot) => MemoryMarshal.Read<UInt128>(slot);

    public static byte[] BytesOf(UInt128 identity)
    {
        byte[] bytes = new byte[IdentityBytes];
        MemoryMarshal.Write(bytes, identity);
        return bytes;
    }

    /// <param name="stored">Lies where the value does, which may be rented (<see cref="RespValue.Rented"/>).</param>
    /// <returns>False for nothing, and for what is nobody's entry.</returns>
    public static bool TryRead(RespValue value, out UInt128 identity, out ReadOnlyMemory<byte> stored)
    {
        (identity, stored) = (default, default);
        ReadOnlyMemory<byte> bytes = value.Memory;
        if (bytes.Length < IdentityBytes) return false;
        (identity, stored) = (IdentityOf(bytes.Span), bytes[IdentityBytes..]);
        return true;
    }

    /// <summary>What can't be decrypted is as good as a ticket: it has an identity, so that it can be replaced, and nothing to read.</summary>
    /// <param name="name">The slot's, to which it is bound.</param>
    public static ReadOnlyMemory<byte> Decrypt(EntryCipher cipher, ReadOnlyMemory<byte> stored, string name)
    {
        if (stored.IsEmpty) return stored;
        var plain = new ArrayBufferWriter<byte>(stored.Length);
        return cipher.TryDecrypt(stored.Span, name, plain) == CipherOutcome.Done ? plain.WrittenMemory : default;
    }
}
