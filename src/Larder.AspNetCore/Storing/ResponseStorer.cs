using System.Security.Cryptography;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Store: from a response that passed to stored responses, and from a 304 to a freshened one.</summary>
internal sealed class ResponseStorer(HttpCache cache)
{
    private const int EntryOverhead = 512;
    private const int HeaderOverhead = 48;
    /// <summary>Bodies up to this size get an entity tag where the origin gives none.</summary>
    private const int LargestTagged = 1 << 20;

    /// <summary>What would be stored of a response whose headers are final, or why it will not be. Headers that are between origin and cache are taken out of it.</summary>
    public (StorePlan? Plan, Reason Unstored) Plan(Asked asked, HttpContext context)
    {
        HttpResponse response = context.Response;
        FetchKey key = asked.Key;
        HttpCacheFeature said = asked.Said;
        DateTimeOffset now = cache.Now;
        List<string>? tags = ResponseTags.Read(response.Headers, cache.Options.TagHeaders, key.Origin);
        ResponseTags.Remove(response.Headers, cache.Options.TagHeaders);
        ContentRange? part = PartOf(response, context.Request);
        int status = part is null ? response.StatusCode : Microsoft.AspNetCore.Http.StatusCodes.Status200OK;
        ResponseFacts facts = RuledFacts(ResponseFacts.From(status, new HeaderLookup(response.Headers), now, cache.Options.CacheControlTargets), key.Rule, said.Ttl);
        if (part is not null) facts = facts with { HasContentRange = false };
        RequestFacts request = asked.Facts;
        // Who is signed in without a header (a certificate, the connection) has credentials, too.
        if (context.User.Identity is { IsAuthenticated: true }) request = request with { HasAuthorization = true };
        Reason unstored = Decide(request, facts, key, MayKeepError(facts.Status, context, asked));
        if (unstored != Reason.None) return (null, unstored);
        if (tags is null) return (null, Reason.UnstoredTag);
        if (!Vary.TryParse(response.Headers.Vary, out string[] nominated) || NamesWhatIsSetLater(Union(nominated, key.Rule))) return (null, Reason.UnstoredVary);
        if (response.ContentLength > MostBytes(key)) return (null, Reason.UnstoredTooLarge);
        if (said.IsNotStored || !cache.Accepts(context, key.Rule)) return (null, Reason.UnstoredCondition);
        if (response.Headers.Date.Count == 0)
        {
            response.Headers.Date = HttpDate.Format(now);
            facts = facts with { Date = now };
        }
        return (new()
        {
            Status = status,
            ReasonPhrase = part is null ? context.Features.Get<IHttpResponseFeature>()?.ReasonPhrase : null,
            Headers = ResponseHeaders.ToStore(response.Headers, asked.Before, facts.CacheControl, key.IsPrivate, isPart: part is not null),
            Part = part,
            Facts = facts,
            Lifetime = LifetimeOf(facts, now, key.Rule),
            InitialAge = Freshness.InitialAge(facts, asked.Time, now),
            ReceivedAt = cache.Clock.Now,
            ReceivedTime = now,
            Nominated = Union(nominated, key.Rule),
            Tags = [.. tags],
            SaidTags = [.. said.Tags],
            ContentLength = part?.Length ?? response.ContentLength,
            MostBytes = MostBytes(key),
            RequiresAuthorization = EndpointMarks.DemandsAuthorization(context),
        }, Reason.None);
    }

    /// <summary>What those who wait for the same answer may be handed while it arrives.</summary>
    public GrowingResponse Offer(StorePlan plan, Asked asked, SharedRecorder recorder)
    {
        StoredResponse stored = plan.ToStored(asked.Key, new GrowingBody(recorder), coded: null);
        string variantKey = VariantKey(asked.Key, plan.Nominated, asked.Headers);
        return new(stored, asked.Key, plan.Nominated, variantKey, [.. TagsOf(stored, asked.Key, variantKey)], asked.Stamp, recorder);
    }

    /// <summary>Stores a whole response.</summary>
    /// <returns><see cref="Reason.None"/>, or why it was not stored.</returns>
    public Reason Store(StorePlan plan, Asked asked, StoredBody body)
    {
        if (plan.Part is not null) return PutPart(plan.ToStored(asked.Key, body, coded: null), plan.Nominated, asked);
        if (plan.Facts.ETag is null && plan.Status == Microsoft.AspNetCore.Http.StatusCodes.Status200OK && body.Length is > 0 and <= LargestTagged) plan.Tag(TagOf(body.Segments));
        return Put(plan.ToStored(asked.Key, body, MayCompress(plan, asked.Key) ? CodedBody.Compress(body) : null), plan.Nominated, asked);
    }

    /// <summary>
    /// Brings a stored response up to date with a 304 (RFC 9111 §4.3.4), or with the answer to HEAD (§4.3.5), and stores it anew; where that is forbidden now, it
    /// is dropped and answers this request only.
    /// </summary>
    public async ValueTask<StoredResponse> FreshenAsync(StoredResponse old, IHeaderDictionary received, Asked asked)
    {
        DateTimeOffset now = cache.Now;
        FetchKey key = asked.Key;
        List<string>? tags = ResponseTags.Read(received, cache.Options.TagHeaders, key.Origin);
        ResponseTags.Remove(received, cache.Options.TagHeaders);
        // The old Date would make what was confirmed just now as old as what was stored.
        if (received.Date.Count == 0) received.Date = HttpDate.Format(now);
        var headers = ResponseHeaders.Updated(old.Headers, received, asked.Before, DirectivesOf(received), key.IsPrivate);
        ResponseFacts facts = RuledFacts(ResponseFacts.From(old.Status, new StoredHeaderLookup(headers), now, cache.Options.CacheControlTargets), key.Rule, asked.Said.Ttl)
            with { Age = AgeHeader.Read(received.Age) };
        StringValues oldVary = new StoredHeaderLookup(old.Headers)["Vary"];
        bool isSameVary = Vary.TryParse(oldVary, out string[] nominated) & !Freshening.ChangesVary(oldVary, received.Vary);
        var plan = new StorePlan
        {
            Status = old.Status,
            ReasonPhrase = old.ReasonPhrase,
            Headers = headers,
            Facts = facts,
            Lifetime = LifetimeOf(facts, now, key.Rule),
            InitialAge = Freshness.InitialAge(facts, asked.Time, now),
            ReceivedAt = cache.Clock.Now,
            ReceivedTime = now,
            Nominated = Union(nominated, key.Rule),
            Tags = tags is { Count: > 0 } ? [.. tags] : old.Tags,
            SaidTags = [.. old.SaidTags.Union(asked.Said.Tags, StringComparer.OrdinalIgnoreCase)],
            ContentLength = old.BodyLength,
            MostBytes = MostBytes(key),
            RequiresAuthorization = old.RequiresAuthorization,
            HasOwnETag = old.HasOwnETag,
        };
        StoredResponse fresh = plan.ToStored(key, old.Body, old.Coded);
        // HEAD confirms what GET stored; what may be stored is judged as for GET.
        if (isSameVary && tags is not null && !asked.Said.IsNotStored && Decide(asked.Facts with { IsHead = false }, facts, key, mayKeepError: true) == Reason.None) Put(fresh, plan.Nominated, asked);
        else await cache.InvalidateAsync(key.Ending(VariantKey(key, plan.Nominated, asked.Headers)));
        return fresh;
    }

    /// <summary>
    /// Brings a stored response up to date with what HEAD was answered, where that is about the same representation (RFC 9111 §4.3.5); else it is stale from now on.
    /// </summary>
    public async ValueTask FreshenByHeadAsync(StoredResponse old, IHeaderDictionary received, Asked asked)
    {
        ResponseFacts now = ResponseFacts.From(old.Status, new HeaderLookup(received), cache.Now), then = old.Facts.Response;
        bool hasTag = now.ETag is not null && !old.HasOwnETag, hasDate = now.LastModified is not null && then.LastModified is not null;
        bool isOther = (hasTag && now.ETag != then.ETag) || (hasDate && now.LastModified != then.LastModified) || (received.ContentLength is { } length && length != old.BodyLength);
        // Without a validator that says so, nobody knows whether the body is still the same: the confirmation would make an old one new.
        if (!isOther && !hasTag && !hasDate) return;
        foreach (string name in (ReadOnlySpan<string>)[ResponseHeaders.XCache, ResponseHeaders.CacheStatusName, "Content-Length"]) received.Remove(name);
        if (!isOther) await FreshenAsync(old, received, asked);
        else if (Vary.TryParse(new StoredHeaderLookup(old.Headers)["Vary"], out string[] nominated))
            await cache.InvalidateAsync(asked.Key.Ending(VariantKey(asked.Key, Union(nominated, asked.Key.Rule), asked.Headers)).Soft());
    }

    /// <summary>A strong tag over the stored bytes; half of a SHA-256 is plenty.</summary>
    public static string TagOf(IEnumerable<ReadOnlyMemory<byte>> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> segment in body) hash.AppendData(segment.Span);
        return $"\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16))}\"";
    }

    private static Reason Decide(in RequestFacts request, in ResponseFacts facts, FetchKey key, bool mayKeepError) =>
        Storability.Decide(request, facts, key.IsDeclaredPublic, key.Rule?.TtlFor(facts.Status) is not null, key.IsPrivate, mayKeepError);

    private TimeSpan LifetimeOf(in ResponseFacts facts, DateTimeOffset now, CompiledRule? rule)
    {
        FreshnessLifetime lifetime = Freshness.Lifetime(facts, now, rule?.TtlFor(facts.Status));
        return lifetime.Source == FreshnessSource.Heuristic && !(cache.Options.Heuristics && rule?.Rule.Heuristics != false) ? TimeSpan.Zero : lifetime.Value;
    }

    private bool MayCompress(StorePlan plan, FetchKey key) =>
        (key.Rule?.Rule.Compress ?? cache.Options.Compress) && plan.Status == Microsoft.AspNetCore.Http.StatusCodes.Status200OK
        && Compressibility.MayCompress(plan.Headers)
        // A page is put together of its template's bytes.
        && !(cache.Options.Esi.IsOn && new StoredHeaderLookup(plan.Headers)["Surrogate-Control"].Count > 0);

    private long MostBytes(FetchKey key) => Math.Min(cache.Options.MaxBodyBytes, key.Rule?.Rule.MaxBodyBytes ?? long.MaxValue);

    private static string[] Union(string[] nominated, CompiledRule? rule) =>
        rule is null or { Nominated.Length: 0 } ? nominated : [.. nominated.Union(rule.Nominated, StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private Reason Put(StoredResponse stored, string[] nominated, Asked asked)
    {
        FetchKey key = asked.Key;
        string variantKey = VariantKey(key, nominated, asked.Headers);
        EntryOptions options = OptionsFor(stored, key, variantKey);
        Reason unstored = cache.Engine.Store<HttpEntry>(variantKey, stored, options, asked.Stamp, fill: asked.Fill);
        if (unstored != Reason.None || nominated.Length == 0) return unstored;
        PutIndex(key, nominated, options, asked);
        return Reason.None;
    }

    /// <summary>
    /// Stores a part beside the whole, joined with the part that is stored where they touch; parts that make up the whole are stored as that. Only what a strong tag says to
    /// be of one representation is joined (RFC 9110 §15.3.7.3).
    /// </summary>
    private Reason PutPart(StoredResponse stored, string[] nominated, Asked asked)
    {
        string partKey = PartKey(VariantKey(asked.Key, nominated, asked.Headers));
        StoredResponse joined = PartialResponses.Join(cache.Engine.FindKept<HttpEntry>(partKey, out _, out _) as StoredResponse, stored, MostBytes(asked.Key));
        if (joined.Part is null) return Put(joined, nominated, asked);
        Reason unstored = cache.Engine.Store<HttpEntry>(partKey, joined, OptionsFor(joined, asked.Key, partKey), asked.Stamp);
        if (unstored == Reason.None && nominated.Length > 0) PutIndex(asked.Key, nominated, OptionsFor(joined, asked.Key, partKey), asked);
        return unstored;
    }

    private void PutIndex(FetchKey key, string[] nominated, EntryOptions options, Asked asked)
    {
        // The index stands under the key of the URL, so it needs no tag for it; it lives as long as any variant may.
        var index = VariantIndex.With(cache.Engine.FindKept<HttpEntry>(key.Primary, out _, out _) as VariantIndex, key.Rules, nominated);
        // A newer index may stand there already; it lacks at most this list, which costs a miss.
        cache.Engine.Store<HttpEntry>(key.Primary, index, OptionsFor(index, key, options.Ttl!.Value + options.StaleIfError!.Value), asked.Stamp, fill: asked.Fill);
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
            Tags = [.. TagsOf(stored, key, variantKey)],
            User = key.User,
            ShareInstance = true,
            Size = SizeOf(stored),
            PatternSubject = key.Target,
        };
    }

    private static IEnumerable<string> TagsOf(StoredResponse stored, FetchKey key, string variantKey) => [.. ResourceTag(key, variantKey), .. key.RuleTags(), .. stored.Tags, .. stored.SaidTags];

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
    /// <remarks>Under a rule that changes the query nobody who writes or purges knows what it has become: there the path is a tag, too.</remarks>
    private static IEnumerable<string> ResourceTag(FetchKey key, string storedUnder)
    {
        if (storedUnder.Length != key.Url.Length || FetchKey.IsLong(key.Url)) yield return TagRules.Exact(key.Url);
        if (key.Query.ChangesQuery) yield return TagRules.Exact(UrlOrigin.WithoutQuery(key.Url));
    }

    /// <summary>The key of a part of what stands, or would stand, under a key.</summary>
    public static string PartKey(string key) => key + PartialResponses.KeyEnd;

    /// <summary>Which part of the whole an answer is; null where that can't be told, or where it is none.</summary>
    private static ContentRange? PartOf(HttpResponse response, HttpRequest request)
    {
        if (response.StatusCode != Microsoft.AspNetCore.Http.StatusCodes.Status206PartialContent || request.Headers.Range.Count != 1 || !HttpMethods.IsGet(request.Method)) return null;
        // A length that is not that of the range says that one of the two is wrong.
        return ContentRange.Parse(response.Headers.ContentRange) is { IsWhole: false } part && (response.ContentLength ?? part.Length) == part.Length ? part : null;
    }

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

    private CacheControl DirectivesOf(IHeaderDictionary received) =>
        ResponseFacts.From(Microsoft.AspNetCore.Http.StatusCodes.Status304NotModified, new HeaderLookup(received), cache.Now, cache.Options.CacheControlTargets).CacheControl;

    private bool MayKeepError(int status, HttpContext context, Asked asked) =>
        Rfc9111.StatusCodes.IsProvocable(status) && (cache.Options.CacheProvocableErrors || OrdinaryRequest.Is(context, asked.Headers));

    /// <summary>The gateway's forwarder writes these behind the cache: the origin saw values that no key here knows.</summary>
    private bool NamesWhatIsSetLater(string[] nominated) =>
        cache.Options.ForwardingHeadersAreStripped && nominated.Any(name => name is "x-forwarded-for" or "forwarded" or "x-real-ip" or "via");

    private static long SizeOf(StoredResponse stored)
    {
        long size = EntryOverhead + (stored.Coded?.Size ?? stored.Body.Length);
        foreach ((string name, StringValues values) in stored.Headers)
        {
            size += HeaderOverhead + name.Length * 2;
            foreach (string? value in values) size += (value?.Length ?? 0) * 2 + 24;
        }
        return size;
    }

    /// <summary>What the response says, with what the handler and the rule say in its place. A rule's windows hold where the response is silent.</summary>
    private static ResponseFacts RuledFacts(in ResponseFacts facts, CompiledRule? rule, TimeSpan? said)
    {
        CacheControl directives = facts.CacheControl;
        // What a handler says of its answer it does not say of an error that came of it.
        TimeSpan? own = facts.Status < 400 ? said : null;
        if ((own ?? (rule?.Rule.OverridesOrigin == true ? rule.TtlFor(facts.Status) : null)) is { } ttl)
        {
            // Who may be served is not overridden: s-maxage permitted what public does.
            directives = directives with { MaxAge = (long)ttl.TotalSeconds, SMaxAge = null, NoCache = false, Public = directives.Public || directives.SMaxAge is not null };
        }
        directives = directives with
        {
            StaleIfError = directives.StaleIfError ?? (long?)rule?.Rule.StaleIfError?.TotalSeconds,
            StaleWhileRevalidate = directives.StaleWhileRevalidate ?? (long?)rule?.Rule.StaleWhileRevalidate?.TotalSeconds,
        };
        return facts with { CacheControl = directives };
    }
}
