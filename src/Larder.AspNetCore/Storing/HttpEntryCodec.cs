using System.Buffers;
using System.Text;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Larder.AspNetCore;

/// <summary>
/// What a key of the HTTP cache holds, as bytes: the body of an entry's stored form (docs/wire-format.md). Little-endian.
/// <code>
///   0  1  version: 2
///   1  1  1 a response, 2 a list of variants
///   2 32  fingerprint of the rules (<see cref="RulesFingerprint"/>)
///
///   a response
///  34  2  status
///  36  1  marks: 1 the entity tag was made here, 2 declared public, 4 private, 8 its endpoint demands authorization,
///        16 the body is compressed
///  37  1  0
///  38  8  its age when the entry was created, in milliseconds
///  46  8  its freshness lifetime, in ticks of 100 ns
///  54 84  what its headers said (<see cref="FactsCodec"/>)
/// 138  4  number of fields that no-cache names     142  4  of those that private names; 2^32-1: none is named
/// 146  4  number of values of header fields        150  4  number of tags
/// 154  8  length of the body before it was compressed; 0 where it is not
/// 162  8  first byte of the part that the body is   170  8  length of the whole of which it is a part; 0 where it is the whole
/// 178  4  number of tags that the handler gave
/// 182     reason phrase, entity tag, Cache-Control that clients get, each field of no-cache, each of private, each tag, the handler's too, then the header
///         fields in order, for each value its field's name and itself; last the body, or, compressed, its Brotli form and its gzip
///         form. Each as a length (4) and its bytes, text in UTF-8; the length of what is not there is 2^32-1. Values of one
///         field follow each other.
///
///   a list of variants
///  34  4  number of lists, 1 to 4
///  38     each as it would stand in a Vary, as a length (4) and its bytes
/// </code>
/// Reading never throws: what is odd in any way is nothing that was stored here.
/// </summary>
internal static class HttpEntryCodec
{
    private const byte Version = 2, Response = 1, Variants = 2;
    private const int RulesAt = 2, HeadBytes = RulesAt + RulesFingerprint.Bytes;
    private const int FactsAt = 54, ListsAt = FactsAt + FactsCodec.Bytes, FixedBytes = ListsAt + 44;
    private const int MostValues = 1000, MostNames = 100, MostTextBytes = 256 << 10;
    private const uint NotThere = uint.MaxValue;

    [Flags]
    private enum Marks : byte
    {
        OwnETag = 1,
        DeclaredPublic = 2,
        Private = 4,
        RequiresAuthorization = 8,
        Coded = 16,
        All = OwnETag | DeclaredPublic | Private | RequiresAuthorization | Coded,
    }

    /// <exception cref="InvalidDataException">There is more of something than is read again, or text that is not Unicode.</exception>
    public static void Write(HttpEntry entry, long createdAt, IBufferWriter<byte> target)
    {
        if (entry is StoredResponse response) WriteResponse(response, createdAt, target);
        else WriteVariants((VariantIndex)entry, target);
    }

    /// <summary>The entry; null where these bytes are none, or were stored under other rules.</summary>
    /// <param name="rulesOf">The rules of a fingerprint, where they are rules of this process.</param>
    /// <param name="createdAt">When the entry was created, by the clock of which the instant in <paramref name="now"/> is one.</param>
    public static HttpEntry? Read(ReadOnlyMemory<byte> source, Func<ReadOnlyMemory<byte>, RuleSet?> rulesOf, long createdAt, (long Cache, DateTimeOffset Wall) now)
    {
        ReadOnlySpan<byte> bytes = source.Span;
        if (bytes.Length < HeadBytes || bytes[0] != Version || rulesOf(source.Slice(RulesAt, RulesFingerprint.Bytes)) is not { } rules) return null;
        return bytes[1] switch
        {
            Response => ReadResponse(source, rules, createdAt, now),
            Variants => ReadVariants(bytes, rules),
            _ => null,
        };
    }

    private static void WriteResponse(StoredResponse response, long createdAt, IBufferWriter<byte> target)
    {
        ref readonly StoredFacts facts = ref response.Facts;
        string[]? noCache = facts.Response.CacheControl.NoCacheFields, isPrivate = facts.Response.CacheControl.PrivateFields;
        int values = response.Headers.Sum(static field => field.Value.Count);
        Demand(values <= MostValues && noCache?.Length is null or <= MostNames && isPrivate?.Length is null or <= MostNames && response.Tags.Length <= MostNames && response.SaidTags.Length <= MostNames);
        Span<byte> bytes = target.GetSpan(SizeOf(response));
        WriteHead(bytes, Response, response.Rules);
        WriteUInt16LittleEndian(bytes[34..], (ushort)response.Status);
        bytes[36] = (byte)((response.HasOwnETag ? Marks.OwnETag : 0) | (response.IsDeclaredPublic ? Marks.DeclaredPublic : 0)
            | (response.IsPrivate ? Marks.Private : 0) | (response.RequiresAuthorization ? Marks.RequiresAuthorization : 0) | (response.Coded is null ? 0 : Marks.Coded));
        bytes[37] = 0;
        WriteInt64LittleEndian(bytes[38..], Math.Max(0, (long)Math.Ceiling(response.AgeAt(createdAt).TotalMilliseconds)));
        WriteInt64LittleEndian(bytes[46..], facts.Lifetime.Ticks);
        FactsCodec.Write(facts.Response, bytes[FactsAt..]);
        WriteUInt32LittleEndian(bytes[ListsAt..], noCache is null ? NotThere : (uint)noCache.Length);
        WriteUInt32LittleEndian(bytes[(ListsAt + 4)..], isPrivate is null ? NotThere : (uint)isPrivate.Length);
        WriteInt32LittleEndian(bytes[(ListsAt + 8)..], values);
        WriteInt32LittleEndian(bytes[(ListsAt + 12)..], response.Tags.Length);
        WriteInt64LittleEndian(bytes[(ListsAt + 16)..], response.Coded?.Length ?? 0);
        WriteInt64LittleEndian(bytes[(ListsAt + 24)..], response.Part?.First ?? 0);
        WriteInt64LittleEndian(bytes[(ListsAt + 32)..], response.Part?.Total ?? 0);
        WriteInt32LittleEndian(bytes[(ListsAt + 40)..], response.SaidTags.Length);
        var parts = new PartWriter(bytes, FixedBytes);
        parts.OptionalText(response.ReasonPhrase, MostTextBytes);
        parts.OptionalText(facts.Response.ETag, MostTextBytes);
        parts.OptionalText(response.CacheControlSent, MostTextBytes);
        foreach (string name in (string[])[.. noCache ?? [], .. isPrivate ?? [], .. response.Tags, .. response.SaidTags]) parts.Text(name, MostTextBytes);
        foreach ((string name, StringValues lines) in response.Headers)
        {
            foreach (string? line in lines)
            {
                parts.Text(name, MostTextBytes);
                parts.OptionalText(line, MostTextBytes);
            }
        }
        Demand(parts.Outcome == WireOutcome.Done);
        target.Advance(parts.At);
        if (response.Coded is not { } coded)
        {
            WriteBody(response.Body, target);
            return;
        }
        WriteBody(coded.Brotli, target);
        WriteBody(coded.Gzip, target);
    }

    private static void WriteBody(StoredBody? body, IBufferWriter<byte> target)
    {
        Demand(body?.Length is null or <= int.MaxValue);
        WriteUInt32LittleEndian(target.GetSpan(sizeof(uint)), body is null ? NotThere : (uint)body.Length);
        target.Advance(sizeof(uint));
        foreach (ReadOnlyMemory<byte> segment in body?.Segments ?? []) target.Write(segment.Span);
    }

    private static StoredResponse? ReadResponse(ReadOnlyMemory<byte> source, RuleSet rules, long createdAt, (long Cache, DateTimeOffset Wall) now)
    {
        ReadOnlySpan<byte> bytes = source.Span;
        if (bytes.Length < FixedBytes || bytes[37] != 0 || !FactsCodec.TryRead(bytes[FactsAt..], out ResponseFacts facts)) return null;
        int status = ReadUInt16LittleEndian(bytes[34..]);
        var marks = (Marks)bytes[36];
        long age = ReadInt64LittleEndian(bytes[38..]), lifetime = ReadInt64LittleEndian(bytes[46..]);
        uint noCache = ReadUInt32LittleEndian(bytes[ListsAt..]), isPrivate = ReadUInt32LittleEndian(bytes[(ListsAt + 4)..]), values = ReadUInt32LittleEndian(bytes[(ListsAt + 8)..]);
        uint tagCount = ReadUInt32LittleEndian(bytes[(ListsAt + 12)..]), saidCount = ReadUInt32LittleEndian(bytes[(ListsAt + 40)..]);
        if (StatusCodes.IsNeverStored(status) || (marks & ~Marks.All) != 0 || values > MostValues
            || age < 0 || age > DeltaSeconds.Max * 2000 || lifetime < 0 || lifetime > DeltaSeconds.MaxSpan.Ticks) return null;
        var parts = new PartReader(bytes, FixedBytes);
        string? phrase = parts.OptionalText(MostTextBytes), etag = parts.OptionalText(MostTextBytes), sent = parts.OptionalText(MostTextBytes);
        if (!TryReadNames(ref parts, noCache, out string[]? noCacheFields) || !TryReadNames(ref parts, isPrivate, out string[]? privateFields)
            || tagCount == NotThere || !TryReadNames(ref parts, tagCount, out string[]? tags)
            || saidCount == NotThere || !TryReadNames(ref parts, saidCount, out string[]? saidTags)
            || !StoredFields.TryRead(ref parts, (int)values, MostTextBytes, out KeyValuePair<string, StringValues>[] headers)) return null;
        StoredBody? first = ReadBody(source, ref parts), second = (marks & Marks.Coded) != 0 ? ReadBody(source, ref parts) : null;
        if (parts.Outcome != WireOutcome.Done || parts.At != bytes.Length || !StoredFields.IsText(phrase) || !StoredFields.IsText(etag) || !StoredFields.IsText(sent)) return null;
        CodedBody? coded = (marks & Marks.Coded) != 0 ? CodedBody.Of(first, second, ReadInt64LittleEndian(bytes[(ListsAt + 16)..])) : null;
        if (coded is null && (first is null || (marks & Marks.Coded) != 0)) return null;
        long from = ReadInt64LittleEndian(bytes[(ListsAt + 24)..]), total = ReadInt64LittleEndian(bytes[(ListsAt + 32)..]);
        // A part has bytes, lies within the whole, and is less than that.
        if (total < 0 || (total == 0 ? from != 0 : coded is not null || first!.Length == 0 || from < 0 || from > total - first.Length || first.Length == total)) return null;
        facts = facts with { Status = status, ETag = etag, CacheControl = facts.CacheControl with { NoCacheFields = noCacheFields, PrivateFields = privateFields } };
        return new(rules, new(facts, TimeSpan.FromTicks(lifetime)))
        {
            Status = status,
            ReasonPhrase = phrase,
            Headers = headers,
            Body = coded is null ? first! : StoredBody.Empty,
            Coded = coded,
            Part = total == 0 ? null : new(from, first!.Length, total),
            Tags = tags!,
            SaidTags = saidTags!,
            CacheControlSent = sent,
            InitialAge = TimeSpan.FromMilliseconds(age),
            ReceivedAt = createdAt,
            ReceivedTime = Back(now.Wall, now.Cache - createdAt),
            HasOwnETag = (marks & Marks.OwnETag) != 0,
            IsDeclaredPublic = (marks & Marks.DeclaredPublic) != 0,
            IsPrivate = (marks & Marks.Private) != 0,
            RequiresAuthorization = (marks & Marks.RequiresAuthorization) != 0,
        };
    }

    private static StoredBody? ReadBody(ReadOnlyMemory<byte> source, ref PartReader parts)
    {
        int before = parts.At;
        if (source.Length - before >= sizeof(uint) && ReadUInt32LittleEndian(source.Span[before..]) == NotThere)
        {
            _ = parts.OptionalText(0);
            return null;
        }
        int length = parts.Part(int.MaxValue).Length;
        return length == 0 ? StoredBody.Empty : new([source.Slice(parts.At - length, length)]);
    }

    private static void WriteVariants(VariantIndex index, IBufferWriter<byte> target)
    {
        string[] lists = [.. index.Nominated.Select(static list => string.Join(", ", list))];
        Demand(lists.Length is >= 1 and <= VariantIndex.MostLists);
        Span<byte> bytes = target.GetSpan(HeadBytes + sizeof(uint) + lists.Sum(static list => sizeof(uint) + Encoding.UTF8.GetByteCount(list)));
        WriteHead(bytes, Variants, index.Rules);
        WriteInt32LittleEndian(bytes[HeadBytes..], lists.Length);
        var parts = new PartWriter(bytes, HeadBytes + sizeof(uint));
        foreach (string list in lists) parts.Text(list, MostTextBytes);
        Demand(parts.Outcome == WireOutcome.Done);
        target.Advance(parts.At);
    }

    private static VariantIndex? ReadVariants(ReadOnlySpan<byte> bytes, RuleSet rules)
    {
        if (bytes.Length < HeadBytes + sizeof(uint) || ReadUInt32LittleEndian(bytes[HeadBytes..]) is not (>= 1 and <= VariantIndex.MostLists and var lists)) return null;
        var parts = new PartReader(bytes, HeadBytes + sizeof(uint));
        var nominated = new string[lists][];
        for (int i = 0; i < lists; i++)
        {
            // In the form in which keys are made of it, or its variants would not be found.
            if (!TryReadNominated(parts.Text(MostTextBytes), out nominated[i])) return null;
        }
        return parts.Outcome == WireOutcome.Done && parts.At == bytes.Length ? new(rules, nominated) : null;
    }

    /// <summary>Header names, and cookies by their own sign, each once and sorted.</summary>
    private static bool TryReadNominated(string text, out string[] names)
    {
        names = text.Split(", ");
        for (int i = 0; i < names.Length; i++)
        {
            string name = names[i].StartsWith(RequestKey.CookiePrefix, StringComparison.Ordinal) ? names[i][RequestKey.CookiePrefix.Length..] : names[i];
            if (!FieldSyntax.IsToken(name) || (name.Length == names[i].Length && (name == "*" || name != name.ToLowerInvariant())) || (i > 0 && string.CompareOrdinal(names[i - 1], names[i]) >= 0)) return false;
        }
        return true;
    }

    private static bool TryReadNames(ref PartReader parts, uint count, out string[]? names)
    {
        names = null;
        if (count == NotThere) return true;
        if (count > MostNames || !parts.HasRoomFor((int)count)) return false;
        names = new string[count];
        for (int i = 0; i < names.Length; i++) names[i] = parts.Text(MostTextBytes);
        return parts.Outcome == WireOutcome.Done;
    }

    private static void WriteHead(Span<byte> bytes, byte kind, RuleSet rules)
    {
        Demand(rules.Fingerprint.Length == RulesFingerprint.Bytes);
        (bytes[0], bytes[1]) = (Version, kind);
        rules.Fingerprint.Span.CopyTo(bytes[RulesAt..]);
    }

    /// <summary>Of all but the body.</summary>
    private static int SizeOf(StoredResponse response)
    {
        ref readonly StoredFacts facts = ref response.Facts;
        long size = FixedBytes + Of(response.ReasonPhrase) + Of(facts.Response.ETag) + Of(response.CacheControlSent) + response.Tags.Sum(Of) + response.SaidTags.Sum(Of)
            + (facts.Response.CacheControl.NoCacheFields ?? []).Sum(Of) + (facts.Response.CacheControl.PrivateFields ?? []).Sum(Of);
        foreach ((string name, StringValues lines) in response.Headers)
            foreach (string? line in lines) size += Of(name) + Of(line);
        Demand(size <= int.MaxValue);
        return (int)size;

        static long Of(string? text) => sizeof(uint) + (text is null ? 0 : Encoding.UTF8.GetByteCount(text));
    }

    private static DateTimeOffset Back(DateTimeOffset wall, long by) =>
        by > (wall - DateTimeOffset.MinValue).TotalMilliseconds ? DateTimeOffset.MinValue : wall - TimeSpan.FromMilliseconds(Math.Max(0, by));

    private static void Demand(bool holds)
    {
        if (!holds) throw new InvalidDataException("The response can't be written.");
    }
}
