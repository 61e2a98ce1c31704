using Larder.AspNetCore.Rfc9111;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Larder.AspNetCore;

/// <summary>
/// What the headers of a stored response said, as it was understood here: fields may have been withheld, and rules have filled in what was left out,
/// so it can't be read from the stored fields again. Status, entity tag and lists of fields stand elsewhere in <see cref="HttpEntryCodec"/>.
/// <code>
///   0  4  bits, from the lowest: no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, no-transform,
///         immutable, only-if-cached, max-stale; a Cache-Control, an Expires, a Set-Cookie, a star in Vary, a Content-Range, Pragma: no-cache
///   4  8  Age in seconds
///  12 24  Date, Expires, Last-Modified: 8 bytes each, ticks of 100 ns since the year 1 (UTC); -1 is not there
///  36 48  max-age, s-maxage, min-fresh, stale-while-revalidate, stale-if-error, the argument of max-stale: 8 bytes each, seconds; -1 is not there
/// </code>
/// </summary>
internal static class FactsCodec
{
    public const int Bytes = 84;
    private const int KnownBits = 17;

    public static void Write(in ResponseFacts facts, Span<byte> bytes)
    {
        CacheControl cc = facts.CacheControl;
        ReadOnlySpan<bool> bits =
        [
            cc.NoStore, cc.NoCache, cc.Private, cc.Public, cc.MustRevalidate, cc.ProxyRevalidate, cc.MustUnderstand, cc.NoTransform,
            cc.Immutable, cc.OnlyIfCached, cc.MaxStale,
            facts.HasCacheControl, facts.HasExpires, facts.HasSetCookie, facts.HasVaryStar, facts.HasContentRange, facts.PragmaNoCache,
        ];
        uint set = 0;
        for (int i = 0; i < bits.Length; i++)
            if (bits[i]) set |= 1u << i;
        WriteUInt32LittleEndian(bytes, set);
        WriteInt64LittleEndian(bytes[4..], facts.Age);
        ReadOnlySpan<long> numbers =
        [
            facts.Date?.UtcTicks ?? -1, facts.Expires?.UtcTicks ?? -1, facts.LastModified?.UtcTicks ?? -1,
            cc.MaxAge ?? -1, cc.SMaxAge ?? -1, cc.MinFresh ?? -1, cc.StaleWhileRevalidate ?? -1, cc.StaleIfError ?? -1, cc.MaxStaleSeconds ?? -1,
        ];
        for (int i = 0; i < numbers.Length; i++) WriteInt64LittleEndian(bytes[(12 + i * 8)..], numbers[i]);
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out ResponseFacts facts)
    {
        facts = default;
        uint set = ReadUInt32LittleEndian(bytes);
        long age = ReadInt64LittleEndian(bytes[4..]);
        Span<long> numbers = stackalloc long[9];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = ReadInt64LittleEndian(bytes[(12 + i * 8)..]);
            if (numbers[i] < -1 || numbers[i] > (i < 3 ? DateTimeOffset.MaxValue.UtcTicks : DeltaSeconds.Max * 2)) return false;
        }
        if (set >> KnownBits != 0 || age is < 0 or > DeltaSeconds.Max) return false;
        facts = new()
        {
            CacheControl = new()
            {
                NoStore = Bit(0),
                NoCache = Bit(1),
                Private = Bit(2),
                Public = Bit(3),
                MustRevalidate = Bit(4),
                ProxyRevalidate = Bit(5),
                MustUnderstand = Bit(6),
                NoTransform = Bit(7),
                Immutable = Bit(8),
                OnlyIfCached = Bit(9),
                MaxStale = Bit(10),
                MaxAge = OrNull(numbers[3]),
                SMaxAge = OrNull(numbers[4]),
                MinFresh = OrNull(numbers[5]),
                StaleWhileRevalidate = OrNull(numbers[6]),
                StaleIfError = OrNull(numbers[7]),
                MaxStaleSeconds = OrNull(numbers[8]),
            },
            HasCacheControl = Bit(11),
            HasExpires = Bit(12),
            HasSetCookie = Bit(13),
            HasVaryStar = Bit(14),
            HasContentRange = Bit(15),
            PragmaNoCache = Bit(16),
            Age = age,
            Date = InstantOrNull(numbers[0]),
            Expires = InstantOrNull(numbers[1]),
            LastModified = InstantOrNull(numbers[2]),
        };
        return true;

        bool Bit(int number) => (set >> number & 1) != 0;
    }

    private static long? OrNull(long number) => number < 0 ? null : number;

    private static DateTimeOffset? InstantOrNull(long ticks) => ticks < 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
}
