using System.Globalization;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Statuses = Microsoft.AspNetCore.Http.StatusCodes;

namespace Larder.AspNetCore;

/// <summary>
/// What the client is told of how long it may keep an assembled page: as long as the part that may be kept shortest, and never anybody but the client itself.
/// </summary>
internal struct PageFreshness
{
    private const long Unbounded = long.MaxValue;

    private bool _noStore, _noCache, _mustRevalidate;
    private long _seconds = Unbounded;

    public PageFreshness()
    {
    }

    /// <summary>A part's own headers: the template's or a fragment's.</summary>
    public void Add(IHeaderDictionary headers, DateTimeOffset now)
    {
        ResponseFacts facts = ResponseFacts.From(Statuses.Status200OK, new HeaderLookup(headers), now);
        CacheControl directives = facts.CacheControl;
        _noStore |= directives.NoStore;
        // Whose part was chosen by headers that nobody compares again is asked for each time.
        _noCache |= directives.NoCache || directives.NoCacheFields is not null || facts.HasSetCookie || VariesBeyondEncoding(headers.Vary);
        _mustRevalidate |= directives.MustRevalidate;
        _seconds = Math.Min(_seconds, LeftOf(facts, now));
    }

    public readonly string ToCacheControl()
    {
        if (_noStore) return "no-store";
        if (_noCache || _seconds is 0 or Unbounded) return "private, no-cache";
        return string.Create(CultureInfo.InvariantCulture, $"private, max-age={_seconds}{(_mustRevalidate ? ", must-revalidate" : "")}");
    }

    /// <summary>
    /// What a template's own Cache-Control becomes while the fragments are not known yet: it stays where it lets nobody use the page without asking, and
    /// else nothing is kept.
    /// </summary>
    public static string BeforeFragments(StringValues cacheControl)
    {
        CacheControl directives = CacheControl.Parse(cacheControl);
        return directives.Private && !directives.NoStore && (directives.NoCache || directives.MaxAge == 0) ? "private, no-cache" : "no-store";
    }

    /// <summary>The client's cache goes by max-age and Expires; what a rule or a heuristic adds is ours alone.</summary>
    private static long LeftOf(in ResponseFacts facts, DateTimeOffset now)
    {
        long lifetime = facts.CacheControl.MaxAge
            ?? (facts.Expires is { } expires ? (long)Math.Floor((expires - (facts.Date ?? now)).TotalSeconds) : 0);
        return Math.Max(0, lifetime - facts.Age);
    }

    private static bool VariesBeyondEncoding(StringValues vary) =>
        vary.Count > 0 && (!Vary.TryParse(vary, out string[] names) || names.Any(name => !FieldSyntax.Is(name, "Accept-Encoding")));
}
