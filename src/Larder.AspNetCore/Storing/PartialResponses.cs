using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Parts of responses (206), which are kept beside the whole and serve ranges that lie within them (RFC 9111 §3.3, §3.4).</summary>
internal static class PartialResponses
{
    /// <summary>What the key of a part has behind that of the whole.</summary>
    public const string KeyEnd = "\nr";

    /// <summary>Most segments of a joined part: somebody may ask for a byte at a time.</summary>
    private const int MostSegments = 1024;

    /// <summary>
    /// The part that is stored and a newer one together, with the fields of the newer; without a part where they are the whole. Only the newer one where they are not of one
    /// representation, do not touch, or would be too large.
    /// </summary>
    public static StoredResponse Join(StoredResponse? old, StoredResponse newer, long mostBytes)
    {
        if (old?.Part is not { } before || newer.Part is not { } part || !ReferenceEquals(old.Rules, newer.Rules) || !before.Touches(part)
            || !EntityTag.StrongEquals(old.Facts.Response.ETag, newer.Facts.Response.ETag)) return newer;
        // Where they overlap, the newer bytes count.
        StoredBody body = newer.Body;
        if (before.First < part.First) body = old.Body.Then(part.First - before.First, body);
        if (before.End > part.End) body = body.Then(body.Length, old.Body.From(part.End - before.First));
        if (body.Length > mostBytes || body.Segments.Count() > MostSegments) return newer;
        var joined = new ContentRange(Math.Min(before.First, part.First), body.Length, part.Total);
        return newer.WithBody(body, joined.IsWhole ? null : joined);
    }

    /// <summary>Whether a request asks for a range that lies within the part.</summary>
    public static bool Covers(StoredResponse stored, StringValues range, StringValues ifRange, DateTimeOffset now)
    {
        if (stored.Part is not { } part || range.Count != 1) return false;
        ResponseFacts facts = stored.Facts.Response;
        RangeResult wanted = ByteRange.Parse(range[0], part.Total);
        return wanted.Kind == RangeKind.Satisfiable && wanted.First >= part.First && wanted.First + wanted.Length <= part.End
            && ByteRange.IfRange(ifRange, facts.ETag, facts.LastModified, facts.Date, now);
    }
}
