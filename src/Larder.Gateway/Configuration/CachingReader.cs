using System.Net;
using Larder.AspNetCore;
using Larder.Gateway.Hosting;

namespace Larder.Gateway.Configuration;

/// <summary>Reads how the gateway caches, beside its rules.</summary>
internal sealed class CachingReader(ConfigReport report)
{
    /// <summary>The members of the document that are read here.</summary>
    public static readonly string[] Known = ["heuristics", "compress", "cacheControlTargets", "tagHeaders", "positionHeader", "purge", "esi", "presets"];

    private const string Header = "the name of a response header";

    public CachingOptions Read(ConfigMembers members)
    {
        ConfigMembers? purge = members.Object("purge", "from", "key");
        ConfigMembers? esi = members.Object("esi", "enabled", "paths");
        return new()
        {
            Heuristics = members.Flag("heuristics") ?? true,
            Compress = members.Flag("compress") ?? false,
            CacheControlTargets = Headers(members, "cacheControlTargets"),
            TagHeaders = Headers(members, "tagHeaders"),
            PositionHeader = Position(members),
            PurgeFrom = purge is null ? null : Networks(purge),
            PurgeKey = purge?.Secret("key", "a text of at least 16 characters") is { } key ? Key(key) : null,
            Esi = esi?.Flag("enabled") ?? false,
            EsiPaths = esi is null ? [] : [.. Globs(esi)],
        };
    }

    /// <summary>The rules of presets; they stand behind the document's own.</summary>
    public IEnumerable<CacheRule> Presets(ConfigMembers members)
    {
        string allowed = "one of " + string.Join(", ", RulePresets.Names);
        foreach (PlacedText name in members.Texts("presets", allowed) ?? [])
        {
            if (!RulePresets.Names.Contains(name.Value)) report.Refuse(name, allowed);
            else foreach (CacheRule rule in RulePresets.Find(name.Value)) yield return rule;
        }
    }

    private IReadOnlyList<string>? Headers(ConfigMembers members, string member)
    {
        if (members.Texts(member, Header) is not { } names) return null;
        foreach (PlacedText name in names)
            if (!HttpToken.Is(name.Value)) report.Refuse(name, Header);
        if (names.Count > 10) report.Add(names[10].Line, names[10].Place, "up to 10 names are allowed");
        return [.. names.Select(static name => name.Value)];
    }

    private string? Position(ConfigMembers members)
    {
        const string Allowed = "the name of a header that means nothing else, such as \"Larder-Position\"";
        if (members.Text("positionHeader", Allowed) is not { } name) return null;
        if (!PositionHeader.IsAllowed(name.Value)) report.Refuse(name, Allowed);
        return name.Value;
    }

    private List<IPNetwork> Networks(ConfigMembers purge)
    {
        const string Allowed = "an address or a network such as \"10.0.0.0/8\"";
        var networks = new List<IPNetwork>();
        foreach (PlacedText text in purge.Texts("from", Allowed, "leave it out for loopback") ?? [])
        {
            if (IPAddress.TryParse(text.Value, out IPAddress? address)) networks.Add(new(address, address.GetAddressBytes().Length * 8));
            else if (IPNetwork.TryParse(text.Value, out IPNetwork network)) networks.Add(network);
            else report.Refuse(text, Allowed);
        }
        return networks.Count > 0 ? networks : [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];
    }

    private string Key(PlacedText key)
    {
        if (key.Value.Length is < 16 or > 1000) report.Add(key.Line, key.Place, "this is not allowed; a text of 16 to 1000 characters");
        return key.Value;
    }

    private IEnumerable<RulePattern> Globs(ConfigMembers esi)
    {
        const string Allowed = "a glob such as \"/pages/*\"";
        foreach (PlacedText text in esi.Texts("paths", Allowed) ?? [])
        {
            RulePattern? pattern = null;
            try
            {
                pattern = RulePattern.Glob(text.Value);
            }
            catch (ArgumentException)
            {
                report.Refuse(text, Allowed);
            }
            if (pattern is not null) yield return pattern;
        }
    }
}
