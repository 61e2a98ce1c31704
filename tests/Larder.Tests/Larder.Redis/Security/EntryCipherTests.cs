using System.Buffers;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class EntryCipherTests
{
    private static readonly byte[] Plain = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];

    private static RedisEncryptionKey Key(string id, byte seed) => new(id, Enumerable.Repeat(seed, 32).ToArray());

    private static EntryCipher Cipher(params RedisEncryptionKey[] keys)
    {
        var options = new RedisEncryptionOptions();
        foreach (RedisEncryptionKey key in keys) options.Keys.Add(key);
        return new(options);
    }

    private static byte[] Encrypt(EntryCipher cipher, byte[] plain, string slot)
    {
        var stored = new ArrayBufferWriter<byte>();
        cipher.Encrypt(plain, slot, stored);
        Assert.Equal(plain.Length + cipher.Overhead, stored.WrittenCount);
        return stored.WrittenSpan.ToArray();
    }

    private static (CipherOutcome Outcome, byte[] Plain) Decrypt(EntryCipher cipher, byte[] stored, string slot)
    {
        var plain = new ArrayBufferWriter<byte>();
        CipherOutcome outcome = cipher.TryDecrypt(stored, slot, plain);
        Assert.True(outcome == CipherOutcome.Done || plain.WrittenCount == 0);
        return (outcome, plain.WrittenSpan.ToArray());
    }

    [Fact]
    public void What_was_encrypted_for_a_slot_comes_back_there()
    {
        EntryCipher cipher = Cipher(Key("k1", 1));
        Prop.ForAll<byte[], string>((plain, slot) =>
        {
            byte[] stored = Encrypt(cipher, plain ?? [], slot ?? "");
            (CipherOutcome outcome, byte[] back) = Decrypt(cipher, stored, slot ?? "");
            return outcome == CipherOutcome.Done && back.SequenceEqual(plain ?? []);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Two_times_the_same_is_never_the_same_and_shows_nothing_of_it()
    {
        EntryCipher cipher = Cipher(Key("k1", 1));
        byte[] one = Encrypt(cipher, Plain, "s"), two = Encrypt(cipher, Plain, "s");
        Assert.NotEqual(one, two);
        Assert.Equal(-1, one.AsSpan().IndexOf(Plain.AsSpan(0, 8)));
        // Neither are their keys: where salts were equal the ciphertexts would be, too.
        Assert.NotEqual(one[^100..^16], two[^100..^16]);
    }

    [Fact]
    public void Each_changed_byte_each_cut_and_each_other_slot_is_found()
    {
        EntryCipher cipher = Cipher(Key("k1", 1), Key("k2", 2));
        byte[] stored = Encrypt(cipher, Plain, "larder:e:a");
        Assert.Equal(CipherOutcome.Done, Decrypt(cipher, stored, "larder:e:a").Outcome);
        for (int i = 0; i < stored.Length; i++)
        {
            byte[] changed = [.. stored];
            changed[i] ^= 1;
            Assert.NotEqual(CipherOutcome.Done, Decrypt(cipher, changed, "larder:e:a").Outcome);
            Assert.NotEqual(CipherOutcome.Done, Decrypt(cipher, stored[..i], "larder:e:a").Outcome);
        }
        Assert.Equal(CipherOutcome.Forged, Decrypt(cipher, stored, "larder:e:b").Outcome);
        Assert.Equal(CipherOutcome.Forged, Decrypt(cipher, stored, "").Outcome);
        Assert.Equal(CipherOutcome.Forged, Decrypt(cipher, [.. stored, 0], "larder:e:a").Outcome);
    }

    [Fact]
    public void Keys_are_changed_without_losing_what_the_old_one_encrypted()
    {
        RedisEncryptionKey first = Key("k1", 1), second = Key("k2", 2);
        byte[] old = Encrypt(Cipher(first), Plain, "s"), fresh = Encrypt(Cipher(second, first), Plain, "s");
        foreach (EntryCipher both in new[] { Cipher(first, second), Cipher(second, first) })
        {
            Assert.Equal(CipherOutcome.Done, Decrypt(both, old, "s").Outcome);
            Assert.Equal(CipherOutcome.Done, Decrypt(both, fresh, "s").Outcome);
        }
        Assert.Equal(CipherOutcome.UnknownKey, Decrypt(Cipher(second), old, "s").Outcome);
        Assert.Equal(CipherOutcome.Forged, Decrypt(Cipher(Key("k1", 3)), old, "s").Outcome);
    }

    [Fact]
    public void What_is_not_encrypted_is_not_taken() => Assert.Equal(CipherOutcome.Plain, Decrypt(Cipher(Key("k1", 1)), Plain, "s").Outcome);

    [Fact]
    public void Random_bytes_behind_the_magic_never_throw()
    {
        EntryCipher cipher = Cipher(Key("k1", 1));
        var random = new Random(5);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] stored = [.. "LRDE"u8, .. RandomNumberGenerator.GetBytes(random.Next(120))];
            if (stored.Length > 5 && i % 2 == 0) stored[4] = 1;
            Assert.NotEqual(CipherOutcome.Done, Decrypt(cipher, stored, "s").Outcome);
        }
    }

    [Fact]
    public void Keys_that_are_none_are_refused_and_none_is_ever_shown()
    {
        Assert.Throws<ArgumentException>(() => new RedisEncryptionKey("", new byte[32]));
        Assert.Throws<ArgumentException>(() => new RedisEncryptionKey(new string('k', 33), new byte[32]));
        Assert.Throws<ArgumentException>(() => new RedisEncryptionKey("a b", new byte[32]));
        Assert.Throws<ArgumentException>(() => new RedisEncryptionKey("k", new byte[31]));
        Assert.Equal("k1", Key("k1", 1).ToString());
        Assert.Throws<ArgumentException>(() => Cipher());
        var options = new RedisOptions();
        options.Endpoints.Add(new RedisEndpoint("cache.example"));
        options.Encryption.Keys.Add(Key("k1", 1));
        options.Encryption.Keys.Add(Key("k1", 2));
        Assert.Contains("2 keys of the name 'k1'", new RedisOptionsValidator().Validate(null, options).FailureMessage, StringComparison.Ordinal);
    }
}
