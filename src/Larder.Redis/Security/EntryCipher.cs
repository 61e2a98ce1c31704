using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Larder.Redis;

/// <summary>What became of decrypting. Everything but <see cref="Done"/> is a miss.</summary>
internal enum CipherOutcome : byte
{
    /// <summary>It is what was encrypted for this slot.</summary>
    Done,
    /// <summary>It is not encrypted, though it should be: whoever can write to the server may not choose that.</summary>
    Plain,
    /// <summary>It names a key that is not known here.</summary>
    UnknownKey,
    /// <summary>It was changed, cut, or encrypted for another slot or with another key of the same name.</summary>
    Forged,
}

/// <summary>
/// Encrypts stored entries: AES-256-GCM (NIST SP 800-38D) with a key of its own for each message, which is derived (HKDF, RFC 5869) from the
/// named key and 16 random bytes. So there is no number of messages after which a key must be changed because of its nonces.
/// <code>
///  0  4  magic "LRDE"
///  4  1  version: 1
///  5  1  length of the key's name
///  6     the key's name, ASCII
///    16  salt, random
///        ciphertext, as long as the plaintext
///    16  tag
/// </code>
/// The slot's name and everything before the ciphertext are authenticated with it: what is moved to another slot is not accepted there.
/// </summary>
internal sealed class EntryCipher
{
    private const byte Version = 1;
    private const int VersionAt = 4, IdLengthAt = 5, IdAt = 6;
    private const int SaltBytes = 16, TagBytes = 16, NonceBytes = 12;

    private readonly RedisEncryptionKey _active;
    private readonly Dictionary<string, RedisEncryptionKey> _keys;

    /// <exception cref="ArgumentException">There is no key.</exception>
    public EntryCipher(RedisEncryptionOptions options)
    {
        if (!options.IsOn) throw new ArgumentException("There is no key to encrypt with.", nameof(options));
        _active = options.Keys[0];
        _keys = options.Keys.ToDictionary(key => key.Id, StringComparer.Ordinal);
    }

    private static ReadOnlySpan<byte> Magic => "LRDE"u8;

    /// <summary>How many bytes are added to what is encrypted.</summary>
    public int Overhead => IdAt + _active.Id.Length + SaltBytes + TagBytes;

    /// <summary>Appends what was encrypted for a slot.</summary>
    public void Encrypt(ReadOnlySpan<byte> plain, string slot, IBufferWriter<byte> target)
    {
        int headBytes = IdAt + _active.Id.Length + SaltBytes;
        Span<byte> whole = target.GetSpan(headBytes + plain.Length + TagBytes)[..(headBytes + plain.Length + TagBytes)];
        Span<byte> head = whole[..headBytes];
        Magic.CopyTo(head);
        head[VersionAt] = Version;
        head[IdLengthAt] = (byte)_active.Id.Length;
        Encoding.ASCII.GetBytes(_active.Id, head[IdAt..]);
        Span<byte> salt = head[^SaltBytes..];
        RandomNumberGenerator.Fill(salt);
        using AesGcm aes = CipherFor(_active, salt, stackalloc byte[NonceBytes], out ReadOnlySpan<byte> nonce);
        aes.Encrypt(nonce, plain, whole.Slice(headBytes, plain.Length), whole[^TagBytes..], Associated(slot, head));
        target.Advance(whole.Length);
    }

    /// <summary>Appends what was encrypted for the slot, where it was.</summary>
    public CipherOutcome TryDecrypt(ReadOnlySpan<byte> stored, string slot, IBufferWriter<byte> target)
    {
        if (!stored.StartsWith(Magic)) return CipherOutcome.Plain;
        if (stored.Length < IdAt || stored[VersionAt] != Version) return CipherOutcome.Forged;
        int headBytes = IdAt + stored[IdLengthAt] + SaltBytes;
        if (stored.Length < headBytes + TagBytes) return CipherOutcome.Forged;
        ReadOnlySpan<byte> head = stored[..headBytes];
        if (!_keys.TryGetValue(Encoding.ASCII.GetString(head[IdAt..^SaltBytes]), out RedisEncryptionKey? key)) return CipherOutcome.UnknownKey;
        ReadOnlySpan<byte> cipher = stored[headBytes..^TagBytes];
        using AesGcm aes = CipherFor(key, head[^SaltBytes..], stackalloc byte[NonceBytes], out ReadOnlySpan<byte> nonce);
        Span<byte> plain = target.GetSpan(cipher.Length)[..cipher.Length];
        try
        {
            aes.Decrypt(nonce, cipher, stored[^TagBytes..], plain, Associated(slot, head));
        }
        catch (AuthenticationTagMismatchException)
        {
            return CipherOutcome.Forged;
        }
        target.Advance(cipher.Length);
        return CipherOutcome.Done;
    }

    private static AesGcm CipherFor(RedisEncryptionKey key, ReadOnlySpan<byte> salt, Span<byte> nonceBuffer, out ReadOnlySpan<byte> nonce)
    {
        Span<byte> derived = stackalloc byte[RedisEncryptionKey.KeyBytes + NonceBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Key, derived, salt, "larder entry 1"u8);
        derived[RedisEncryptionKey.KeyBytes..].CopyTo(nonceBuffer);
        nonce = nonceBuffer;
        var aes = new AesGcm(derived[..RedisEncryptionKey.KeyBytes], TagBytes);
        CryptographicOperations.ZeroMemory(derived);
        return aes;
    }

    /// <summary>Head and slot; the head's length is in the head, so no two pairs are alike.</summary>
    private static byte[] Associated(string slot, ReadOnlySpan<byte> head)
    {
        byte[] associated = new byte[head.Length + Encoding.UTF8.GetByteCount(slot)];
        head.CopyTo(associated);
        Encoding.UTF8.GetBytes(slot, associated.AsSpan(head.Length));
        return associated;
    }
}
