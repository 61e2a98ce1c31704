using System.Globalization;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Statuses = Microsoft.AspNetCore.Http.StatusCodes;

namespace Larder.AspNetCore;

/// <summary>Writes stored responses: whole, a range of it, or 304.</summary>
internal static class StoredResponseWriter
{
    private static readonly StringValues Hit = "HIT";
    private static readonly StringValues Stale = "STALE";
    private static readonly StringValues Revalidated = "REVALIDATED";
    private static readonly StringValues Coalesced = "COALESCED";

    /// <summary>Answers the request from <paramref name="stored"/>, which has been found usable for <paramref name="reason"/>.</summary>
    public static Task WriteAsync(HttpContext context, StoredResponse stored, TimeSpan age, Reason reason, TimeProvider time)
    {
        HttpRequest request = context.Request;
        HttpResponse response = context.Response;
        IHeaderDictionary asked = request.Headers;
        bool notModified = (asked.IfNoneMatch.Count > 0 || asked.IfModifiedSince.Count > 0) && IsNotModified(asked, stored, time.GetUtcNow());
        WriteHeaders(response.Headers, stored, notModified);
        if (stored.CacheControlSent is { } sent) response.Headers.CacheControl = sent;
        if (stored.Coded is not null) response.Headers.Vary = stored.CodedFields.Vary;
        WriteCacheHeaders(response.Headers, stored, stored.PreparedFor(age), reason);
        if (notModified)
        {
            // The tag of what the client would get (RFC 9110 §15.4.5).
            if (stored.Coded is { } form && form.In(CodingFor(asked, form)) is not null) response.Headers.ETag = stored.CodedFields.WeakETag;
            response.StatusCode = Statuses.Status304NotModified;
            return Task.CompletedTask;
        }
        response.StatusCode = stored.Status;
        if (stored.ReasonPhrase is { } phrase && asked.Range.Count == 0)
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseFeature>()!.ReasonPhrase = phrase;
        StoredBody body = stored.Coded is { } coded ? BodyFor(context, stored, coded) : stored.Body;
        (long first, long length) = (0, body.Length);
        if (asked.Range.Count > 0 && !ApplyRange(context, stored, time.GetUtcNow(), ref first, ref length)) return Task.CompletedTask;
        if (HasBody(stored.Status)) response.ContentLength = length;
        if (length == 0 || HttpMethods.IsHead(request.Method)) return Task.CompletedTask;
        return WriteBodyAsync(context, body, first, length);
    }

    private static string CodingFor(IHeaderDictionary asked, CodedBody coded) =>
        asked.Range.Count > 0 ? ContentCodings.Identity : ContentCodings.Choose(asked.AcceptEncoding, coded.Brotli is not null, coded.Gzip is not null);

    /// <summary>The body in the coding that the client likes best. Ranges are cut of the body as it came.</summary>
    private static StoredBody BodyFor(HttpContext context, StoredResponse stored, CodedBody coded)
    {
        IHeaderDictionary asked = context.Request.Headers;
        string coding = CodingFor(asked, coded);
        if (coded.In(coding) is not { } body) return new InflatedBody(coded);
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentEncoding = coding;
        headers.ETag = stored.CodedFields.WeakETag;
        return body;
    }

    private static bool IsNotModified(IHeaderDictionary asked, StoredResponse stored, DateTimeOffset now) =>
        stored.Status == Statuses.Status200OK
        && Conditionals.IsNotModified(
            asked.IfNoneMatch, asked.IfModifiedSince, stored.Facts.Response.ETag, stored.Facts.Response.LastModified,
            stored.Facts.Response.Date ?? stored.ReceivedTime, now);

    private static void WriteHeaders(IHeaderDictionary headers, StoredResponse stored, bool notModified)
    {
        foreach ((string name, StringValues values) in stored.Headers)
            if (!notModified || BelongsTo304(name)) headers[name] = values;
    }

    private static void WriteCacheHeaders(IHeaderDictionary headers, StoredResponse stored, PreparedAge prepared, Reason reason)
    {
        headers.Age = prepared.Age;
        headers[ResponseHeaders.XCacheAge] = prepared.Age;
        headers[ResponseHeaders.XCache] = reason switch
        {
            Reason.HitMemory or Reason.HitRedis => Hit,
            Reason.Revalidated => Revalidated,
            Reason.Coalesced => Coalesced,
            _ => Stale,
        };
        string status = reason switch
        {
            Reason.HitMemory => prepared.CacheStatus,
            Reason.Revalidated => CacheStatus.Forwarded("stale", Statuses.Status304NotModified, stored: true, collapsed: false, reason.Name()),
            Reason.Coalesced => CacheStatus.Forwarded("uri-miss", null, stored: false, collapsed: true, reason.Name()),
            _ => CacheStatus.Hit(prepared.Remaining, reason.Name()),
        };
        // Caches nearer to the origin come first (RFC 9211 §2).
        headers[ResponseHeaders.CacheStatusName] = StringValues.Concat(headers[ResponseHeaders.CacheStatusName], status);
    }

    /// <summary>RFC 9110 §15.4.5: what a 304 tells again; the rest the client has already.</summary>
    private static bool BelongsTo304(string name) =>
        !name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Location", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Security-Policy", StringComparison.OrdinalIgnoreCase);

    /// <summary>Cuts the range that is asked for; false when it can't be satisfied and the answer is complete (416).</summary>
    private static bool ApplyRange(HttpContext context, StoredResponse stored, DateTimeOffset now, ref long first, ref long length)
    {
        IHeaderDictionary asked = context.Request.Headers;
        if (stored.Status != Statuses.Status200OK || stored.Facts.Response.HasContentRange || !HttpMethods.IsGet(context.Request.Method)
            || asked.Range.Count != 1
            || !ByteRange.IfRange(asked.IfRange, stored.Facts.Response.ETag, stored.Facts.Response.LastModified, stored.Facts.Response.Date, now)) return true;
        long total = stored.Part?.Total ?? length;
        RangeResult range = ByteRange.Parse(asked.Range[0], total);
        if (range.Kind == RangeKind.None) return true;
        HttpResponse response = context.Response;
        if (range.Kind == RangeKind.Unsatisfiable)
        {
            response.StatusCode = Statuses.Status416RangeNotSatisfiable;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{total}");
            foreach (string name in (ReadOnlySpan<string>)["Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Expires"]) response.Headers.Remove(name);
            response.Headers.CacheControl = "no-store";
            response.ContentLength = 0;
            return false;
        }
        response.StatusCode = Statuses.Status206PartialContent;
        response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {range.First}-{range.Last}/{total}");
        (first, length) = (range.First - (stored.Part?.First ?? 0), range.Length);
        return true;
    }

    private static Task WriteBodyAsync(HttpContext context, StoredBody body, long first, long length)
    {
        // No token: the server ends a flush when the client has left, and asking for the token would make one for each request.
        if (body.TryGetSingle(out ReadOnlyMemory<byte> whole))
        {
            ValueTask<System.IO.Pipelines.FlushResult> write = context.Response.BodyWriter.WriteAsync(whole.Slice((int)first, (int)length));
            // A finished write needs no task of its own; a client that went away needs nothing more.
            if (!write.IsCompletedSuccessfully) return write.AsTask();
            _ = write.Result;
            return Task.CompletedTask;
        }
        // Of what still arrives nothing ends a wait but that.
        return body.WriteToAsync(context.Response.BodyWriter, first, length, body is GrowingBody ? context.RequestAborted : CancellationToken.None);
    }

    private static bool HasBody(int status) => status is not (Statuses.Status204NoContent or Statuses.Status205ResetContent or Statuses.Status304NotModified);
}
