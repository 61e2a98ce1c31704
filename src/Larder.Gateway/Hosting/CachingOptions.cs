using System.Net;
using Larder.AspNetCore;

namespace Larder.Gateway.Hosting;

/// <summary>How a gateway caches, beside its rules and limits.</summary>
public sealed record CachingOptions
{
    /// <summary>Whether an answer without any lifetime may get one by its Last-Modified; on by default.</summary>
    public bool Heuristics { get; init; } = true;

    /// <summary>Whether stored bodies are compressed where the origin has not done so; off by default.</summary>
    public bool Compress { get; init; }

    /// <summary>The response fields that decide in the place of Cache-Control, the most specific first; null for the default ones (<see cref="HttpCacheOptions.CacheControlTargets"/>).</summary>
    public IReadOnlyList<string>? CacheControlTargets { get; init; }

    /// <summary>The response fields whose words are tags; null for the default ones (<see cref="HttpCacheOptions.TagHeaders"/>).</summary>
    public IReadOnlyList<string>? TagHeaders { get; init; }

    /// <summary>The header by which clients see their own writes on every gateway; null, the default, for none.</summary>
    public string? PositionHeader { get; init; }

    /// <summary>From where <c>PURGE</c> is allowed; null, the default, where such requests are the origin's.</summary>
    public IReadOnlyList<IPNetwork>? PurgeFrom { get; init; }

    /// <summary>What a <c>PURGE</c> must carry as <c>Authorization: Bearer</c> or <c>X-API-Key</c>; null for nothing.</summary>
    public string? PurgeKey { get; init; }

    /// <summary>Whether pages are assembled whose responses ask for it (<see cref="EsiOptions.Enabled"/>); off by default.</summary>
    public bool Esi { get; init; }

    /// <summary>Paths whose pages are assembled in any case.</summary>
    public IReadOnlyList<RulePattern> EsiPaths { get; init; } = [];

    internal void Apply(HttpCacheOptions http)
    {
        http.Heuristics = Heuristics;
        http.Compress = Compress;
        Replace(http.CacheControlTargets, CacheControlTargets);
        Replace(http.TagHeaders, TagHeaders);
        http.PositionHeader = PositionHeader;
        http.Esi.Enabled = Esi;
        foreach (RulePattern path in EsiPaths) http.Esi.Paths.Add(path);
        if (PurgeFrom is null) return;
        http.Purge = new();
        http.Purge.From.Clear();
        foreach (IPNetwork network in PurgeFrom) http.Purge.From.Add(network);
        if (PurgeKey is { } key) http.Purge.IsAllowed = new PurgeKeyCheck(key).IsAllowed;
    }

    /// <summary>Its members, without the key.</summary>
    public override string ToString() => $"CachingOptions {{ Purge = {(PurgeFrom is null ? "off" : PurgeKey is null ? "by address" : "by address and key")} }}";

    private static void Replace(IList<string> names, IReadOnlyList<string>? others)
    {
        if (others is null) return;
        names.Clear();
        foreach (string name in others) names.Add(name);
    }
}
