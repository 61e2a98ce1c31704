using Microsoft.AspNetCore.Routing;

namespace Larder.AspNetCore;

/// <summary>Where the answer to a request is stored, and under which rule.</summary>
/// <param name="Url">The URL, which all its variants and users share and which a write to it invalidates.</param>
/// <param name="Primary">The key without nominated headers.</param>
/// <param name="Target">The part of the key that patterns are matched against.</param>
/// <param name="Path">The decoded path, which rules are matched against.</param>
/// <param name="Route">What routing found in the path.</param>
/// <param name="User">The user of a private rule.</param>
/// <param name="Rules">The rules at that moment.</param>
/// <param name="Rule">The one that matches.</param>
internal sealed record FetchKey(string Url, string Primary, Range Target, string Path, RouteValueDictionary Route, string? User, RuleSet Rules, CompiledRule? Rule)
{
    private const int LongKey = 2000;

    public bool IsPrivate => Rule?.IsPrivate == true;

    public bool IsDeclaredPublic => Rule?.IsPublic == true;

    /// <summary>Scheme and authority.</summary>
    public string Origin => Url[..Target.Start.Value];

    public QueryPolicy Query => Rule?.Rule.Query ?? QueryPolicy.AsSent;

    /// <summary>Whether events of the key as such are avoided: the log of other nodes takes only short ones, and whoever writes to a long URL would end everything.</summary>
    public static bool IsLong(string key) => key.Length > LongKey;

    /// <summary>What ends the response under a key; with a long one also those that share its URL.</summary>
    public Invalidation Ending(string storedUnder) => IsLong(storedUnder) ? Invalidation.ExactTag(Url) : Invalidation.Key(storedUnder);

    /// <summary>The tags that the rule gives.</summary>
    public string[] RuleTags() => Rule?.TagsFor(Path, Route) ?? [];
}
