namespace Larder.Redis;

/// <summary>A key that stored entries are encrypted with.</summary>
public sealed class RedisEncryptionKey
{
    internal const int KeyBytes = 32;
    internal const int MaxIdLength = 32;

    private readonly byte[] _key;

    /// <summary>A key under a name that is stored with what it encrypts.</summary>
    /// <param name="id">1 to 32 letters, digits, dots, dashes and underscores; not secret. Never used again for another key.</param>
    /// <param name="key">32 random bytes.</param>
    /// <exception cref="ArgumentException">The name or the key is none; the message says nothing of the key.</exception>
    public RedisEncryptionKey(string id, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length is 0 or > MaxIdLength || !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            throw new ArgumentException($"The name of a key has 1 to {MaxIdLength} letters, digits, dots, dashes and underscores.", nameof(id));
        if (key.Length != KeyBytes) throw new ArgumentException($"A key has {KeyBytes} bytes; this one has {key.Length}.", nameof(key));
        (Id, _key) = (id, key.ToArray());
    }

    /// <summary>Its name.</summary>
    public string Id { get; }

    internal ReadOnlySpan<byte> Key => _key;

    /// <summary>The name; never the key.</summary>
    public override string ToString() => Id;
}

/// <summary>Whether and with what stored entries are encrypted.</summary>
public sealed class RedisEncryptionOptions
{
    /// <summary>
    /// The keys: the first one encrypts, each of them decrypts. To change keys put the new one first on every node after all of
    /// them know it, and take the old one away when what it encrypted has expired. None, the default: nothing is encrypted.
    /// </summary>
    public IList<RedisEncryptionKey> Keys { get; } = new List<RedisEncryptionKey>();

    internal bool IsOn => Keys.Count > 0;

    /// <summary>What is wrong, for a person.</summary>
    internal IEnumerable<string> Problems()
    {
        const int Most = 16;
        if (Keys.Count > Most) yield return $"Encryption.Keys has {Keys.Count} keys; allowed are {Most}.";
        if (Keys.Any(key => key is null)) yield return "Encryption.Keys has one that is null.";
        foreach (var twins in Keys.OfType<RedisEncryptionKey>().GroupBy(key => key.Id).Where(twins => twins.Count() > 1))
            yield return $"Encryption.Keys has {twins.Count()} keys of the name '{twins.Key}'; names are used once.";
    }
}
