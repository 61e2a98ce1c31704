using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// Cache-Control for some caches only (RFC 9213): <c>CDN-Cache-Control</c>, and the older <c>Surrogate-Control</c>, whose directives may name whom they
/// are for. The first field of the list that is valid and says something decides alone: <c>Cache-Control</c>, <c>Expires</c> and <c>Pragma</c> count no more (§2.2).
/// </summary>
internal static class TargetedCacheControl
{
    /// <summary>The fields that are for this cache, the most specific first (RFC 9213 §2.2).</summary>
    public static readonly string[] DefaultTargets = ["Larder-Cache-Control", "CDN-Cache-Control", SurrogateControl];

    private const string SurrogateControl = "Surrogate-Control";
    private const string Self = "larder";

    /// <summary>What the field says to this cache; null where it is absent, empty, malformed (§2.1), or says nothing about caching.</summary>
    public static CacheControl? Parse(string name, StringValues lines)
    {
        if (lines.Count == 0 || !StructuredField.TryParseDictionary(lines, out List<StructuredItem> members) || members.Count == 0) return null;
        bool isSurrogate = FieldSyntax.Is(name, SurrogateControl);
        var directives = new CacheControlBuilder();
        bool says = !isSurrogate;
        foreach (StructuredItem member in members)
        {
            if (isSurrogate && !IsForThisCache(member)) continue;
            says |= member.Key is "max-age" or "no-store" or "no-cache" or "private";
            Add(ref directives, member);
        }
        return says ? directives.Build() : null;
    }

    /// <summary>A directive of Surrogate-Control may carry the name of a device; <c>content</c> is about ESI.</summary>
    private static bool IsForThisCache(StructuredItem member) =>
        member.Parameters is null || Array.Exists(member.Parameters, static parameter => parameter == Self);

    /// <summary>Durations are integers, field names strings, and all else is true (§2.1); what has another type is not understood, and so ignored.</summary>
    private static void Add(ref CacheControlBuilder directives, StructuredItem member)
    {
        switch (member.Kind)
        {
            case StructuredKind.Boolean when member.IsTrue:
                directives.Add(new() { Name = member.Key });
                break;
            case StructuredKind.Integer when member.Integer >= 0:
                directives.Add(new() { Name = member.Key, HasArgument = true, Argument = member.Integer.ToString(System.Globalization.CultureInfo.InvariantCulture) });
                break;
            case StructuredKind.String when member.Key is "no-cache" or "private":
                directives.Add(new() { Name = member.Key, HasArgument = true, Argument = member.Text });
                break;
            // Whatever restricts does so with any argument.
            case not StructuredKind.Boolean when member.Key is "no-cache" or "private" or "no-store":
                directives.Add(new() { Name = member.Key });
                break;
            default:
                break;
        }
    }
}
