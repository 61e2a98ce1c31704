using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The tags that a response's headers give: <c>Surrogate-Key</c>, <c>Cache-Tag</c>, <c>xkey</c> and their like, and the groups of <c>Cache-Groups</c> (RFC 9875).</summary>
internal static class ResponseTags
{
    public const string Groups = "Cache-Groups", GroupInvalidation = "Cache-Group-Invalidation";

    /// <summary>The fields whose words are tags, unless the program names others.</summary>
    public static readonly string[] DefaultHeaders = ["Surrogate-Key", "Cache-Tag", "xkey", "Edge-Cache-Tag"];

    /// <summary>A field that names more says none: what is dropped could never be invalidated by what was left out.</summary>
    private const int MostGroups = 128;

    /// <summary>The tags, each once, and the groups as exact tags; null where a word is no tag (<see cref="TagRules.Problem"/>): what it names could never be invalidated.</summary>
    /// <param name="headers">The response's.</param>
    /// <param name="names">The fields whose words are tags.</param>
    /// <param name="origin">Scheme and authority, within which groups are known (RFC 9875 §2).</param>
    public static List<string>? Read(IHeaderDictionary headers, IList<string> names, string origin)
    {
        var tags = new List<string>();
        foreach (string name in names)
            foreach (string tag in Words(headers[name]))
                if (TagRules.Problem(tag) is not null) return null;
                else if (!tags.Contains(tag, StringComparer.OrdinalIgnoreCase)) tags.Add(tag);
        foreach (string group in GroupsOf(headers[Groups])) tags.Add(TagRules.Exact(GroupName(origin, group)));
        return tags;
    }

    /// <summary>Takes out what is between origin and cache, and no client's business.</summary>
    public static void Remove(IHeaderDictionary headers, IList<string> names)
    {
        foreach (string name in names) headers.Remove(name);
    }

    /// <summary>The words of a field, between commas and blanks.</summary>
    public static IEnumerable<string> Words(StringValues lines)
    {
        foreach (string? line in lines)
            foreach (string word in (line ?? "").Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries)) yield return word;
    }

    /// <summary>What a successful write ends by its answer (RFC 9875 §3).</summary>
    public static IEnumerable<Invalidation> InvalidatedGroups(IHeaderDictionary headers, string origin) =>
        GroupsOf(headers[GroupInvalidation]).Select(group => Invalidation.ExactTag(GroupName(origin, group)));

    private static IEnumerable<string> GroupsOf(StringValues lines) =>
        lines.Count > 0 && StructuredField.TryParseList(lines, out List<StructuredItem> groups) && groups.Count <= MostGroups
            ? groups.Where(static group => group.Kind == StructuredKind.String).Select(static group => group.Text).Distinct(StringComparer.Ordinal)
            : [];

    /// <summary>No URL has a blank, so that no group is one.</summary>
    private static string GroupName(string origin, string group) => $"group {origin} {group}";
}
