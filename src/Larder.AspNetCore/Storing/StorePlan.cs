using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>A request that the origin is asked with: all that storing its answer needs to know of it.</summary>
/// <param name="Key">Where the answer is stored.</param>
/// <param name="Facts">What the request says.</param>
/// <param name="Headers">The request's fields as they came: what the application takes out of them or puts in is not what others ask with.</param>
/// <param name="Before">What the response held before the origin filled it.</param>
/// <param name="Time">When the origin was asked.</param>
/// <param name="Stamp">Taken before that: what covers the key since then refuses the answer.</param>
/// <param name="Fill">What Redis was asked for before; null where the answer will not go there.</param>
/// <param name="Said">What the handler says about its answer.</param>
internal sealed record Asked(
    FetchKey Key, RequestFacts Facts, IHeaderDictionary Headers, ResponseSnapshot Before, DateTimeOffset Time, Stamp Stamp, FaceFill? Fill, HttpCacheFeature Said);

/// <summary>A response that will be stored when its body is whole: everything that its headers say.</summary>
internal sealed class StorePlan
{
    public required int Status { get; init; }
    public required string? ReasonPhrase { get; init; }
    public required List<KeyValuePair<string, StringValues>> Headers { get; init; }
    public required ResponseFacts Facts { get; set; }
    public required TimeSpan Lifetime { get; init; }
    public required TimeSpan InitialAge { get; init; }
    public required long ReceivedAt { get; init; }
    public required DateTimeOffset ReceivedTime { get; init; }
    /// <summary>What responses of the URL differ by: of Vary and of the rule.</summary>
    public required string[] Nominated { get; init; }
    /// <summary>The tags that headers give; those of the rule come with the key.</summary>
    public required string[] Tags { get; init; }
    /// <summary>The tags that the handler gives.</summary>
    public string[] SaidTags { get; init; } = [];
    public required long? ContentLength { get; init; }
    /// <summary>Largest body that is stored.</summary>
    public required long MostBytes { get; init; }
    public required bool RequiresAuthorization { get; init; }

    /// <summary>Which part of the whole the body is (206); null where it is the whole.</summary>
    public ContentRange? Part { get; init; }

    /// <summary>The entity tag was made here.</summary>
    public bool HasOwnETag { get; set; }

    /// <summary>The client's own condition holds: it is answered 304 while the body is recorded.</summary>
    public bool ClientHasIt { get; set; }

    /// <summary>Gives it an entity tag, where the origin has given none.</summary>
    public void Tag(string etag)
    {
        HasOwnETag = true;
        Facts = Facts with { ETag = etag };
        Headers.RemoveAll(static field => field.Key.Equals("ETag", StringComparison.OrdinalIgnoreCase));
        Headers.Add(new("ETag", etag));
    }

    public StoredResponse ToStored(FetchKey key, StoredBody body, CodedBody? coded) => new(key.Rules, new(Facts, Lifetime))
    {
        Status = Status,
        ReasonPhrase = ReasonPhrase,
        Headers = [.. Headers],
        Body = coded is null ? body : StoredBody.Empty,
        Coded = coded,
        Part = Part,
        InitialAge = InitialAge,
        ReceivedAt = ReceivedAt,
        ReceivedTime = ReceivedTime,
        Tags = Tags,
        SaidTags = SaidTags,
        CacheControlSent = key.Rule?.Rule.CacheControl,
        HasOwnETag = HasOwnETag,
        IsDeclaredPublic = key.IsDeclaredPublic,
        IsPrivate = key.IsPrivate,
        RequiresAuthorization = RequiresAuthorization,
    };
}
