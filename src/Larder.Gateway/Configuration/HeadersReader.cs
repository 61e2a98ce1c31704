using System.Globalization;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;

namespace Larder.Gateway.Configuration;

/// <summary>Reads header changes.</summary>
internal sealed class HeadersReader(ConfigReport report)
{
    private const string Name = "the name of a header such as \"X-Team\"";

    private static readonly string ValueAllowed = string.Create(CultureInfo.InvariantCulture, $"a text of 1 to {FieldRules.MaxValue} characters of Latin-1 without line breaks and without spaces around it");

    /// <summary>The changes in <c>headers</c>.</summary>
    public HeaderChanges Read(ConfigMembers members)
    {
        if (members.Object("headers", "request", "response") is not { } headers) return HeaderChanges.None;
        return new() { Request = Changes(headers, "request"), Response = Changes(headers, "response") };
    }

    private FieldChanges Changes(ConfigMembers headers, string name)
    {
        if (headers.Object(name, "set", "remove") is not { } changes) return FieldChanges.None;
        var set = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((PlacedText field, PlacedText value) in changes.Named("set", ValueAllowed) ?? [])
        {
            if (!IsField(field)) continue;
            if (!FieldRules.IsValue(value.Value)) report.Refuse(value, ValueAllowed);
            else if (!set.TryAdd(field.Value, value.Value)) report.Add(field.Line, field.Place, "it is given twice");
        }
        var remove = new List<string>();
        foreach (PlacedText field in changes.Texts("remove", Name) ?? [])
        {
            if (!IsField(field)) continue;
            if (set.ContainsKey(field.Value)) report.Refuse(field, "what is set here replaces what was there; it need not be removed");
            else remove.Add(field.Value);
        }
        if (set.Count > FieldRules.MaxFields || remove.Count > FieldRules.MaxFields)
            report.Add(changes.Line, changes.Place, string.Create(CultureInfo.InvariantCulture, $"it sets {set.Count} and removes {remove.Count} headers; allowed are {FieldRules.MaxFields} of each"));
        return new() { Set = set, Remove = remove };
    }

    private bool IsField(PlacedText field)
    {
        string? problem = HttpToken.Is(field.Value) ? FieldRules.Problem(field.Value) : "";
        if (problem is not null) report.Refuse(field, problem.Length == 0 ? Name : $"{Name}: this one can't be changed, {problem}");
        return problem is null;
    }
}
