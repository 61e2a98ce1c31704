using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Larder;

/// <summary>
/// A position that can be carried to another node, by a client too: whoever reads with it sees nothing older. It is signed, so that a client can't make
/// one up, and tells nothing but a count of events. The default stands for no position.
/// </summary>
/// <remarks>
/// As text: 33 characters of base64url, of 24 bytes and the version in front. The bytes are the ordinal (8, big-endian), then the first 16 of the HMAC-SHA256 of a label
/// and the ordinal under the log's epoch, which is random, known to the nodes only, and not in the token.
/// </remarks>
public readonly struct PositionToken : IEquatable<PositionToken>
{
    private const char Version = '1';
    private const int OrdinalBytes = sizeof(long), SignatureBytes = 16;
    private const int TextLength = 1 + (OrdinalBytes + SignatureBytes) * 4 / 3;

    private readonly UInt128 _signature;

    private PositionToken(long ordinal, UInt128 signature) => (Ordinal, _signature) = (ordinal, signature);

    internal long Ordinal { get; }

    /// <summary>Whether it stands for no position.</summary>
    public bool IsNone => Ordinal == 0;

    private static ReadOnlySpan<byte> Label => "Larder position 1"u8;

    /// <summary>Reads a token's text; whether it is genuine shows where it is used.</summary>
    /// <param name="text">Any text; null and the empty one are none.</param>
    /// <param name="token">The token; the default where the text is none.</param>
    /// <returns>Whether it has the form of a token.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out PositionToken token)
    {
        token = default;
        Span<byte> bytes = stackalloc byte[OrdinalBytes + SignatureBytes];
        if (text is not { Length: TextLength } || text[0] != Version) return false;
        if (Base64Url.DecodeFromChars(text.AsSpan(1), bytes, out _, out int written) != OperationStatus.Done || written != bytes.Length) return false;
        long ordinal = BinaryPrimitives.ReadInt64BigEndian(bytes);
        if (ordinal <= 0) return false;
        token = new(ordinal, BinaryPrimitives.ReadUInt128BigEndian(bytes[OrdinalBytes..]));
        return true;
    }

    /// <summary>The text: 33 characters that may stand in a URL and in a header. Empty where it stands for no position.</summary>
    public override string ToString()
    {
        if (IsNone) return "";
        Span<byte> bytes = stackalloc byte[OrdinalBytes + SignatureBytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Ordinal);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[OrdinalBytes..], _signature);
        return Version + Base64Url.EncodeToString(bytes);
    }

    /// <inheritdoc/>
    public bool Equals(PositionToken other) => Ordinal == other.Ordinal && _signature == other._signature;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PositionToken other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Ordinal, _signature);

    /// <summary>Whether two stand for the same position.</summary>
    public static bool operator ==(PositionToken left, PositionToken right) => left.Equals(right);

    /// <summary>Whether two do not stand for the same position.</summary>
    public static bool operator !=(PositionToken left, PositionToken right) => !left.Equals(right);

    internal static PositionToken Of(Position position) => position.Ordinal <= 0 ? default : new(position.Ordinal, Sign(position));

    /// <summary>Whether it is a position of this epoch.</summary>
    internal bool IsOf(ulong epoch)
    {
        Span<byte> given = stackalloc byte[SignatureBytes], right = stackalloc byte[SignatureBytes];
        BinaryPrimitives.WriteUInt128BigEndian(given, _signature);
        BinaryPrimitives.WriteUInt128BigEndian(right, Sign(new(epoch, Ordinal)));
        return Ordinal > 0 && CryptographicOperations.FixedTimeEquals(given, right);
    }

    /// <summary>An epoch that nobody can guess.</summary>
    internal static ulong NewKey() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

    private static UInt128 Sign(Position position)
    {
        Span<byte> key = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(key, position.Epoch);
        Span<byte> said = stackalloc byte[Label.Length + OrdinalBytes];
        Label.CopyTo(said);
        BinaryPrimitives.WriteInt64BigEndian(said[Label.Length..], position.Ordinal);
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, said, whole);
        return BinaryPrimitives.ReadUInt128BigEndian(whole);
    }
}
