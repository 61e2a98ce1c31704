using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>What a key of the HTTP cache holds: a response, or the list of what its variants depend on.</summary>
internal abstract class HttpEntry(RuleSet rules)
{
    /// <summary>The rules under which it was stored; under others it is not used.</summary>
    public RuleSet Rules { get; } = rules;
}

/// <summary>
/// Stands under a URL whose responses differ by request headers (Vary): each list of nominated headers that was seen,
/// the newest first. The responses themselves are under keys that hold these headers' values.
/// </summary>
internal sealed class VariantIndex(RuleSet rules, string[][] nominated) : HttpEntry(rules)
{
    public const int MostLists = 4;

    public string[][] Nominated { get; } = nominated;

    /// <summary>This index, or a new one, with the list in front.</summary>
    public static VariantIndex With(VariantIndex? old, RuleSet rules, string[] list)
    {
        if (old is not null && ReferenceEquals(old.Rules, rules) && old.Nominated[0].AsSpan().SequenceEqual(list)) return old;
        IEnumerable<string[]> others = (old?.Nominated ?? []).Where(other => !other.AsSpan().SequenceEqual(list));
        return new(rules, [list, .. others.Take(MostLists - 1)]);
    }
}

/// <summary>A complete stored response. Immutable but for the prepared header values, which any reader may replace.</summary>
internal sealed class StoredResponse(RuleSet rules, in StoredFacts facts) : HttpEntry(rules)
{
    /// <summary>What the decisions of RFC 9111 need; a field, so that it is passed by reference and not copied.</summary>
    public readonly StoredFacts Facts = facts;

    private PreparedAge? _prepared;
    private CodedFields? _codedFields;

    public required int Status { get; init; }
    public string? ReasonPhrase { get; init; }
    /// <summary>End-to-end fields in order, without Age and Content-Length, which are written anew.</summary>
    public required KeyValuePair<string, StringValues>[] Headers { get; init; }
    /// <summary>The body as it came; empty where it is kept compressed.</summary>
    public required StoredBody Body { get; init; }
    /// <summary>The body as it is kept where it was compressed here.</summary>
    public CodedBody? Coded { get; init; }
    /// <summary>What its headers say where <see cref="Coded"/> is there.</summary>
    public CodedFields CodedFields => _codedFields ??= CodedFields.Of(this);
    /// <summary>Which part of the whole the body is; null where it is the whole.</summary>
    public ContentRange? Part { get; init; }
    /// <summary>How many bytes the body has as it came.</summary>
    public long BodyLength => Coded?.Length ?? Body.Length;
    /// <summary>Its age when it was received (RFC 9111 §4.2.3).</summary>
    public required TimeSpan InitialAge { get; init; }
    /// <summary>When it was received, in milliseconds of the cache's clock.</summary>
    public required long ReceivedAt { get; init; }
    /// <summary>When it was received, by the wall clock.</summary>
    public required DateTimeOffset ReceivedTime { get; init; }
    /// <summary>The tags that its headers gave; a confirmation that gives none keeps them.</summary>
    public string[] Tags { get; init; } = [];
    /// <summary>The tags that its handler gave; a confirmation keeps them.</summary>
    public string[] SaidTags { get; init; } = [];
    /// <summary>The Cache-Control that clients get in the place of its own; null for that.</summary>
    public string? CacheControlSent { get; init; }
    /// <summary>The entity tag was made here: it answers clients and is not sent to the origin.</summary>
    public bool HasOwnETag { get; init; }
    /// <summary>A rule declares it the same for everybody.</summary>
    public bool IsDeclaredPublic { get; init; }
    /// <summary>The key holds the user.</summary>
    public bool IsPrivate { get; init; }
    /// <summary>Its endpoint demands authorization: it is served only where that has taken place.</summary>
    public bool RequiresAuthorization { get; init; }

    /// <summary>The entity tag the origin knows, for validation.</summary>
    public string? OriginETag => HasOwnETag ? null : Facts.Response.ETag;

    public TimeSpan AgeAt(long now) => InitialAge + TimeSpan.FromMilliseconds(now - ReceivedAt);

    /// <summary>The same with another body.</summary>
    public StoredResponse WithBody(StoredBody body, ContentRange? part) => new(Rules, Facts)
    {
        Status = Status, ReasonPhrase = ReasonPhrase, Headers = Headers, Body = body, Part = part, Tags = Tags, SaidTags = SaidTags, CacheControlSent = CacheControlSent, InitialAge = InitialAge, ReceivedAt = ReceivedAt,
        ReceivedTime = ReceivedTime, HasOwnETag = HasOwnETag, IsDeclaredPublic = IsDeclaredPublic, IsPrivate = IsPrivate, RequiresAuthorization = RequiresAuthorization,
    };

    /// <summary>The header values that change with the age, made at most once a second.</summary>
    public PreparedAge PreparedFor(TimeSpan age)
    {
        long seconds = (long)age.TotalSeconds;
        PreparedAge? prepared = _prepared;
        if (prepared is null || prepared.Seconds != seconds) _prepared = prepared = new(seconds, (long)Facts.Lifetime.TotalSeconds - seconds);
        return prepared;
    }
}

/// <summary>Header values for one second of a stored response's age.</summary>
internal sealed class PreparedAge(long seconds, long remaining)
{
    public long Seconds => seconds;

    public StringValues Age { get; } = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public string CacheStatus { get; } = Rfc9111.CacheStatus.Hit(remaining);

    public long Remaining => remaining;
}
