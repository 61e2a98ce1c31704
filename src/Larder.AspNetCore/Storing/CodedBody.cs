using System.IO.Compression;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>A body that is kept compressed, once for all clients: as Brotli, as gzip, or both. Those that take neither get it decompressed.</summary>
internal sealed class CodedBody
{
    public const int LeastBytes = 1024, MostBytes = 8 << 20;

    /// <summary>Higher ones take many times as long for a few percent.</summary>
    private const int BrotliQuality = 5;

    private CodedBody(StoredBody? brotli, StoredBody? gzip, long length)
    {
        Brotli = brotli;
        Gzip = gzip;
        Length = length;
    }

    public StoredBody? Brotli { get; }

    public StoredBody? Gzip { get; }

    /// <summary>How many bytes it has decompressed.</summary>
    public long Length { get; }

    /// <summary>How many bytes are kept.</summary>
    public long Size => (Brotli?.Length ?? 0) + (Gzip?.Length ?? 0);

    /// <summary>What was read from outside; null where it can't be one.</summary>
    public static CodedBody? Of(StoredBody? brotli, StoredBody? gzip, long length) =>
        (brotli ?? gzip) is not null && length is >= LeastBytes and <= MostBytes ? new(brotli, gzip, length) : null;

    /// <summary>The body compressed, in each form that saves more than a tenth of it; null where none does, or it is too small or too large for it to be worth the time.</summary>
    public static CodedBody? Compress(StoredBody body)
    {
        if (body.Length is < LeastBytes or > MostBytes) return null;
        StoredBody? brotli = Worthwhile(body, static target => new BrotliStream(target, new BrotliCompressionOptions { Quality = BrotliQuality }, leaveOpen: true));
        StoredBody? gzip = Worthwhile(body, static target => new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true));
        return (brotli ?? gzip) is null ? null : new(brotli, gzip, body.Length);
    }

    /// <summary>The form of a coding: <c>br</c> or <c>gzip</c>; null where it is not kept.</summary>
    public StoredBody? In(string coding) => coding == ContentCodings.Brotli ? Brotli : coding == ContentCodings.Gzip ? Gzip : null;

    /// <summary>The body as it came, to be read.</summary>
    public Stream Open() => Gzip is { } gzip ? new GZipStream(gzip.ToStream(), CompressionMode.Decompress) : new BrotliStream(Brotli!.ToStream(), CompressionMode.Decompress);

    private static StoredBody? Worthwhile(StoredBody body, Func<Stream, Stream> coder)
    {
        var target = new MemoryStream();
        using (Stream coded = coder(target))
            foreach (ReadOnlyMemory<byte> segment in body.Segments) coded.Write(segment.Span);
        return target.Length <= body.Length - body.Length / 10 ? new([target.ToArray()]) : null;
    }
}

/// <summary>The fields of a response that is delivered in more than one coding, made once.</summary>
/// <param name="Vary">Its Vary, with Accept-Encoding.</param>
/// <param name="WeakETag">Its entity tag, weak: another form of the bytes has another strong one, and a weak one says that it is the same response (RFC 9110 §8.8.1).</param>
internal sealed record CodedFields(StringValues Vary, StringValues WeakETag)
{
    public static CodedFields Of(StoredResponse stored)
    {
        StringValues vary = new StoredHeaderLookup(stored.Headers)["Vary"];
        if (Rfc9111.Vary.TryParse(vary, out string[] names) && !names.Contains("accept-encoding")) vary = StringValues.Concat(vary, "Accept-Encoding");
        return new(vary, stored.Facts.Response.ETag is ['"', ..] and var strong ? "W/" + strong : stored.Facts.Response.ETag);
    }
}
