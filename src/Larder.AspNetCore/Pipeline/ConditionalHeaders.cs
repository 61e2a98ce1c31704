using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>
/// The client's conditional headers, taken out while the cache asks the origin for itself: with the validators of what
/// is stored, or for the whole answer where it will be stored.
/// </summary>
internal sealed class ConditionalHeaders(IHeaderDictionary headers)
{
    private readonly StringValues _ifNoneMatch = headers.IfNoneMatch;
    private readonly StringValues _ifModifiedSince = headers.IfModifiedSince;
    private bool _replaced;

    /// <summary>The origin is asked whether what is stored still holds.</summary>
    public bool Validates { get; private set; }

    /// <summary>
    /// Puts in what the cache asks with. Without something to validate the client's own headers stay, unless a rule gives a
    /// lifetime: then the whole answer is worth having, since it is the next client's hit.
    /// </summary>
    public bool Replace(StoredResponse? stored, bool hasRuleTtl)
    {
        string? etag = stored?.OriginETag;
        string? lastModified = stored?.Facts.Response.LastModified is null ? null : new StoredHeaderLookup(stored.Headers)["Last-Modified"].ToString();
        Validates = etag is not null || lastModified is not null;
        if (!Validates && !hasRuleTtl) return false;
        _replaced = true;
        headers.IfNoneMatch = etag;
        headers.IfModifiedSince = lastModified;
        return Validates;
    }

    public void Restore()
    {
        if (!_replaced) return;
        headers.IfNoneMatch = _ifNoneMatch;
        headers.IfModifiedSince = _ifModifiedSince;
    }

    /// <summary>Whether the client, whose condition the origin did not see, has the answer already.</summary>
    public bool ClientHas(StorePlan plan, DateTimeOffset now) =>
        _replaced && plan is { Status: Microsoft.AspNetCore.Http.StatusCodes.Status200OK, Part: null } && (_ifNoneMatch.Count > 0 || _ifModifiedSince.Count > 0)
        && Conditionals.IsNotModified(
            _ifNoneMatch, _ifModifiedSince, plan.Facts.ETag, plan.Facts.LastModified, plan.Facts.Date ?? plan.ReceivedTime, now);
}

/// <summary>What a response held before the origin filled it, to be put back where a stored response is served instead.</summary>
internal sealed class ResponseSnapshot(HttpResponse response)
{
    private readonly KeyValuePair<string, StringValues>[] _headers = [.. response.Headers];

    /// <summary>Whether the field was there before, with this very value.</summary>
    public bool Has(in KeyValuePair<string, StringValues> field)
    {
        foreach ((string name, StringValues values) in _headers)
            if (values == field.Value && name.Equals(field.Key, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    public void Restore()
    {
        response.Headers.Clear();
        foreach ((string name, StringValues values) in _headers) response.Headers[name] = values;
        response.StatusCode = Microsoft.AspNetCore.Http.StatusCodes.Status200OK;
        if (response.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseFeature>() is { } feature) feature.ReasonPhrase = null;
    }
}
