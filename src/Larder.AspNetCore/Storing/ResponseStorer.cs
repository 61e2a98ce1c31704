using System.Security.Cryptography;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>A response that will be stored when its body is whole: everything that its headers say.</summary>
internal sealed class StorePlan
{
    public required int Status { get; init; }
    public required string? ReasonPhrase { get; init; }
    public required List<KeyValuePair<string, StringValues>> Headers { get; init; }
    public required ResponseFacts Facts { get; init; }
    public required TimeSpan Lifetime { get; init; }
    public required TimeSpan InitialAge { get; init; }
    public required long ReceivedAt { get; init; }
    public required DateTimeOffset ReceivedTime { get; init; }
    public required string[] Nominated { get; init; }
    public required long? ContentLength { get; init; }
    public required bool RequiresAuthorization { get; init; }

    /// <summary>The client's own condition holds: it is answered 304 while the body is recorded.</summary>
    public bool ClientHasIt { get; set; }
}

/// <summary>Store: from a response that passed to stored responses, and from a 304 to a freshened one.</summary>
internal sealed class ResponseStorer(HttpCache cache)
{
    private const int EntryOverhead = 512;
    private const int HeaderOverhead = 48;
    /// <summary>Bodies up to this size get an entity tag where the origin gives none.</summary>
    private const int LargestTagged = 1 << 20;

    /// <summary>What would be stored of a response whose headers are final, or why it will not be.</summary>
    public (StorePlan? Plan, Reason Unstored) Plan(FetchKey key, in RequestFacts request, HttpContext context, ResponseSnapshot before, DateTimeOffset requestTime)
    {
        HttpResponse response = context.Response;
        DateTimeOffset now = cache.Now;
        ResponseFacts facts = WithRuleWindows(ResponseFacts.From(response.StatusCode, new HeaderLookup(response.Headers), now), key.Rule);
        TimeSpan? ttl = key.Rule?.Rule.Ttl;
        RequestFacts asked = request;
        // Who is signed in without a header (a certificate, the connection) has credentials, too.
        if (context.User.Identity is { IsAuthenticated: true }) asked = asked with { HasAuthorization = true };
        Reason unstored = Storability.Decide(asked, facts, key.IsDeclaredPublic, ttl is not null, key.IsPrivate, cache.Options.CacheProvocableErrors);
        if (unstored != Reason.None) return (null, unstored);
        if (!Vary.TryParse(response.Headers.Vary, out string[] nominated) || NamesWhatIsSetLater(nominated)) return (null, Reason.UnstoredVary);
        if (response.ContentLength > cache.Options.MaxBodyBytes) return (null, Reason.UnstoredTooLarge);
        if (response.Headers.Date.Count == 0)
        {
            response.Headers.Date = HttpDate.Format(now);
            facts = facts with { Date = now };
        }
        return (new()
        {
            Status = response.StatusCode,
            ReasonPhrase = context.Features.Get<IHttpResponseFeature>()?.ReasonPhrase,
            Headers = ResponseHeaders.ToStore(response.Headers, before, facts.CacheControl, key.IsPrivate),
            Facts = facts,
            Lifetime = Freshness.Lifetime(facts, now, ttl).Value,
            InitialAge = Freshness.InitialAge(facts, requestTime, now),
            ReceivedAt = cache.Clock.Now,
            ReceivedTime = now,
            Nominated = nominated,
            ContentLength = response.ContentLength,
            RequiresAuthorization = EndpointMarks.DemandsAuthorization(context),
        }, Reason.None);
    }

    /// <summary>Stores a whole response.</summary>
    /// <returns><see cref="Reason.None"/>, or why it was not stored.</returns>
    public Reason Store(StorePlan plan, FetchKey key, StoredBody body, IHeaderDictionary request, Stamp stamp, FaceFill? fill)
    {
        ResponseFacts facts = plan.Facts;
        List<KeyValuePair<string, StringValues>> headers = plan.Headers;
        bool ownTag = facts.ETag is null && plan.Status == Microsoft.AspNetCore.Http.StatusCodes.Status200OK && body.Length is > 0 and <= LargestTagged;
        if (ownTag)
        {
            facts = facts with { ETag = TagOf(body) };
            headers.RemoveAll(static field => field.Key.Equals("ETag", StringComparison.OrdinalIgnoreCase));
            headers.Add(new("ETag", facts.ETag));
        }
        var stored = new StoredResponse(key.Rules, new(facts, plan.Lifetime))
        {
            Status = plan.Status,
            ReasonPhrase = plan.ReasonPhrase,
            Headers = [.. headers],
            Body = body,
            InitialAge = plan.InitialAge,
            ReceivedAt = plan.ReceivedAt,
            ReceivedTime = plan.ReceivedTime,
            HasOwnETag = ownTag,
            IsDeclaredPublic = key.IsDeclaredPublic,
            IsPrivate = key.IsPrivate,
            RequiresAuthorization = plan.RequiresAuthorization,
        };
        return Put(stored, key, plan.Nominated, request, stamp, fill);
    }

    /// <summary>
    /// Brings a stored response up to date with a 304 (RFC 9111 §4.3.4) and stores it anew; where the 304 forbids that, it
    /// is dropped and answers this request only.
    /// </summary>
    public async ValueTask<StoredResponse> FreshenAsync(
        StoredResponse old, FetchKey key, IHeaderDictionary received, ResponseSnapshot before, IHeaderDictionary asked, RequestFacts request, DateTimeOffset requestTime, Stamp stamp,
        FaceFill? fill)
    {
        DateTimeOffset now = cache.Now;
        // The old Date would make what was confirmed just now as old as what was stored.
        if (received.Date.Count == 0) received.Date = HttpDate.Format(now);
        var headers = ResponseHeaders.Updated(old.Headers, received, before, key.IsPrivate);
        ResponseFacts facts = WithRuleWindows(ResponseFacts.From(old.Status, new StoredHeaderLookup(headers), now), key.Rule) with { Age = AgeHeader.Read(received.Age) };
        var fresh = new StoredResponse(key.Rules, new(facts, Freshness.Lifetime(facts, now, key.Rule?.Rule.Ttl).Value))
        {
            Status = old.Status,
            ReasonPhrase = old.ReasonPhrase,
            Headers = [.. headers],
            Body = old.Body,
            InitialAge = Freshness.InitialAge(facts, requestTime, now),
            ReceivedAt = cache.Clock.Now,
            ReceivedTime = now,
            HasOwnETag = old.HasOwnETag,
            IsDeclaredPublic = key.IsDeclaredPublic,
            IsPrivate = key.IsPrivate,
            RequiresAuthorization = old.RequiresAuthorization,
        };
        // HEAD confirms what GET stored; what may be stored is judged as for GET.
        Reason unstored = Storability.Decide(request with { IsHead = false }, facts, key.IsDeclaredPublic, key.Rule?.Rule.Ttl is not null, key.IsPrivate, cache.Options.CacheProvocableErrors);
        StringValues oldVary = new StoredHeaderLookup(old.Headers)["Vary"];
        if (unstored == Reason.None && !Freshening.ChangesVary(oldVary, received.Vary) && Vary.TryParse(oldVary, out string[] nominated))
            Put(fresh, key, nominated, asked, stamp, fill);
        else
            await cache.InvalidateAsync(key.Ending(VariantKey(key, Vary.TryParse(oldVary, out nominated) ? nominated : [], asked)));
        return fresh;
    }

    private Reason Put(StoredResponse stored, FetchKey key, string[] nominated, IHeaderDictionary request, Stamp stamp, FaceFill? fill)
    {
        string variantKey = VariantKey(key, nominated, request);
        EntryOptions options = OptionsFor(stored, key, variantKey);
        Reason unstored = cache.Engine.Store<HttpEntry>(variantKey, stored, options, stamp, fill: fill);
        if (unstored != Reason.None || nominated.Length == 0) return unstored;
        // The index stands under the key of the URL, so it needs no tag for it; it lives as long as any variant may.
        var index = VariantIndex.With(cache.Engine.FindKept<HttpEntry>(key.Primary, out _, out _) as VariantIndex, key.Rules, nominated);
        // A newer index may stand there already; it lacks at most this list, which costs a miss.
        cache.Engine.Store<HttpEntry>(key.Primary, index, OptionsFor(index, key, options.Ttl!.Value + options.StaleIfError!.Value), stamp, fill: fill);
        return Reason.None;
    }

    private EntryOptions OptionsFor(StoredResponse stored, FetchKey key, string variantKey)
    {
        CacheControl directives = stored.Facts.Response.CacheControl;
        TimeSpan window = DeltaSeconds.ToSpan(Math.Max(directives.StaleIfError ?? 0, directives.StaleWhileRevalidate ?? 0));
        if (window < cache.Options.KeepStale) window = cache.Options.KeepStale;
        TimeSpan left = stored.Facts.Lifetime - stored.InitialAge;
        // What is only kept to be validated is fresh for the shortest time there is; that it is stale by its own age is judged in any case.
        TimeSpan shortest = window > TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(1);
        return new()
        {
            Ttl = left > shortest ? left : shortest,
            StaleIfError = window,
            Tags = [.. ResourceTag(key, variantKey), .. key.Rule?.TagsFor(key.Path) ?? []],
            User = key.User,
            ShareInstance = true,
            Size = SizeOf(stored),
            PatternSubject = key.Target,
        };
    }

    private static EntryOptions OptionsFor(VariantIndex index, FetchKey key, TimeSpan kept) => new()
    {
        Ttl = kept > TimeSpan.FromDays(1) ? kept : TimeSpan.FromDays(1),
        // It only leads to variants: what ends their freshness must not hide them.
        StaleIfError = kept > TimeSpan.FromDays(1) ? kept : TimeSpan.FromDays(1),
        Tags = [.. ResourceTag(key, key.Primary)],
        User = key.User,
        ShareInstance = true,
        Size = 128 + index.Nominated.Sum(list => list.Sum(name => 24 + name.Length * 2)),
        PatternSubject = key.Target,
    };

    /// <summary>What is not under the URL itself carries the URL as a tag, so that a write to it reaches all variants; and so does all under a long one.</summary>
    private static string[] ResourceTag(FetchKey key, string storedUnder) =>
        storedUnder.Length == key.Url.Length && !FetchKey.IsLong(key.Url) ? [] : [TagRules.Exact(key.Url)];

    /// <summary>The key of the variant for a request with these headers.</summary>
    public static string VariantKey(FetchKey key, string[] nominated, IHeaderDictionary request)
    {
        if (nominated.Length == 0) return key.Primary;
        var builder = new KeyBuilder(stackalloc char[512]);
        builder.Append(key.Primary);
        RequestKey.AppendVariant(ref builder, nominated, request);
        string variantKey = builder.ToString();
        builder.Dispose();
        return variantKey;
    }

    /// <summary>The gateway's forwarder writes these behind the cache: the origin saw values that no key here knows.</summary>
    private bool NamesWhatIsSetLater(string[] nominated) =>
        cache.Options.ForwardingHeadersAreStripped && nominated.Any(name => name is "x-forwarded-for" or "via");

    private static long SizeOf(StoredResponse stored)
    {
        long size = EntryOverhead + stored.Body.Length;
        foreach ((string name, StringValues values) in stored.Headers)
        {
            size += HeaderOverhead + name.Length * 2;
            foreach (string? value in values) size += (value?.Length ?? 0) * 2 + 24;
        }
        return size;
    }

    /// <summary>A strong tag over the stored bytes; half of a SHA-256 is plenty.</summary>
    private static string TagOf(StoredBody body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> segment in body.Segments) hash.AppendData(segment.Span);
        return $"\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16))}\"";
    }

    /// <summary>A rule's windows hold where the response is silent.</summary>
    private static ResponseFacts WithRuleWindows(in ResponseFacts facts, CompiledRule? rule)
    {
        if (rule is null || (rule.Rule.StaleIfError ?? rule.Rule.StaleWhileRevalidate) is null) return facts;
        CacheControl directives = facts.CacheControl;
        return facts with
        {
            CacheControl = directives with
            {
                StaleIfError = directives.StaleIfError ?? (long?)rule.Rule.StaleIfError?.TotalSeconds,
                StaleWhileRevalidate = directives.StaleWhileRevalidate ?? (long?)rule.Rule.StaleWhileRevalidate?.TotalSeconds,
            },
        };
    }
}
