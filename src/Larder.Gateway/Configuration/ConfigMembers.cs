using System.Globalization;
using Larder.Redis;

namespace Larder.Gateway.Configuration;

/// <summary>A text of a document with its place, so that later checks can name it.</summary>
internal readonly record struct PlacedText(string Value, string Place, int Line);

/// <summary>
/// The members of one object. Opening it reports unknown and repeated names; each question reports a value of the wrong
/// type or range. A question about a missing or wrong member is answered with null, and reading goes on.
/// </summary>
internal sealed class ConfigMembers
{
    private readonly ConfigMap _map;
    private readonly ConfigReport _report;

    public ConfigMembers(ConfigMap map, string place, ConfigReport report, params ReadOnlySpan<string> known)
    {
        _map = map;
        _report = report;
        Place = place;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (ConfigMember member in map.Members)
        {
            if (!seen.Add(member.Name)) Report(member, "it is given twice");
            else if (!known.Contains(member.Name)) Report(member, Unknown(member.Name, known));
        }
    }

    /// <summary>Where the object is.</summary>
    public string Place { get; }

    /// <summary>The line where it begins.</summary>
    public int Line => _map.Line;

    /// <summary>Whether the member is there, right or wrong.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>Whether the member is there and is an object.</summary>
    public bool IsObject(string name) => Find(name)?.Value is ConfigMap;

    /// <summary>Whole numbers in a range: one, or a list of them; null if the member is missing.</summary>
    public IReadOnlyList<long>? Numbers(string name, long min, long max, string what)
    {
        if (Find(name) is not { } member) return null;
        string allowed = string.Create(CultureInfo.InvariantCulture, $"a {what} from {min} to {max}, or a list of them");
        IReadOnlyList<ConfigNode> items = member.Value is ConfigList list ? list.Items : [member.Value];
        var numbers = new List<long>();
        for (int i = 0; i < items.Count; i++)
        {
            if (items[i] is ConfigNumber { Value: var value } && value >= min && value <= max && Math.Floor(value) == value) numbers.Add((long)value);
            else _report.Add(items[i].Line, member.Value is ConfigList ? Shown.Item(PlaceOf(member), i) : PlaceOf(member), Refusal(items[i], allowed));
        }
        return numbers;
    }

    /// <summary>A number of seconds in a range.</summary>
    public TimeSpan? Seconds(string name, double min, double max) =>
        Number(name, min, max, whole: false, "number of seconds") is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>A whole number in a range.</summary>
    public long? Whole(string name, long min, long max, string what) => (long?)Number(name, min, max, whole: true, what);

    /// <summary>True or false.</summary>
    public bool? Flag(string name)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigBoolean boolean) return boolean.Value;
        Refuse(member, "true or false");
        return null;
    }

    /// <summary>A text that is not empty.</summary>
    public PlacedText? Text(string name, string allowed)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigText { Value.Length: > 0 } text) return new(text.Value, PlaceOf(member), text.Line);
        Refuse(member, allowed);
        return null;
    }

    /// <summary>A text, or a list of texts; null if the member is missing, without the items that are wrong.</summary>
    /// <param name="ifEmpty">What to write instead of an empty list; null if that is allowed.</param>
    public IReadOnlyList<PlacedText>? Texts(string name, string allowed, string? ifEmpty = null)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigText single) return Checked([single], _ => PlaceOf(member), allowed);
        if (member.Value is ConfigList { Items.Count: 0 } && ifEmpty is not null)
        {
            _report.Add(member.Value.Line, PlaceOf(member), $"an empty list is not allowed; {ifEmpty}");
            return [];
        }
        if (member.Value is ConfigList list) return Checked(list.Items, i => Shown.Item(PlaceOf(member), i), allowed);
        Refuse(member, $"{allowed}, or a list of them");
        return [];
    }

    /// <summary>A text that messages never show.</summary>
    public PlacedText? Secret(string name, string allowed)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigText { Value.Length: > 0 } text) return new(text.Value, PlaceOf(member), text.Line);
        _report.Add(member.Value.Line, PlaceOf(member), $"this is not allowed; {allowed}");
        return null;
    }

    /// <summary>Texts under names of the document's own, with the names; null if the member is missing.</summary>
    public IReadOnlyList<(PlacedText Name, PlacedText Value)>? Named(string name, string allowed)
    {
        if (Find(name) is not { } member) return null;
        var named = new List<(PlacedText, PlacedText)>();
        if (member.Value is not ConfigMap map) Refuse(member, "an object");
        else foreach (ConfigMember item in map.Members)
        {
            string place = Shown.Member(PlaceOf(member), item.Name);
            if (item.Value is ConfigText { Value.Length: > 0 } text) named.Add((new(item.Name, place, item.Line), new(text.Value, place, text.Line)));
            else _report.Add(item.Value.Line, place, Refusal(item.Value, allowed));
        }
        return named;
    }

    /// <summary>The items of a list of texts and objects, or the only text; null if the member is missing.</summary>
    public IReadOnlyList<(PlacedText? Text, ConfigMembers? Object)>? Mixed(string name, string allowed, params ReadOnlySpan<string> known)
    {
        if (Find(name) is not { Value: ConfigList { Items.Count: > 0 } list } member) return Texts(name, allowed, allowed)?.Select(text => ((PlacedText?)text, (ConfigMembers?)null)).ToList();
        var items = new List<(PlacedText?, ConfigMembers?)>();
        for (int i = 0; i < list.Items.Count; i++)
        {
            string place = Shown.Item(PlaceOf(member), i);
            if (list.Items[i] is ConfigMap map) items.Add((null, new(map, place, _report, known)));
            else if (list.Items[i] is ConfigText { Value.Length: > 0 } text) items.Add((new(text.Value, place, text.Line), null));
            else _report.Add(list.Items[i].Line, place, Refusal(list.Items[i], allowed));
        }
        return items;
    }

    /// <summary>The members of an object within; null if there is none.</summary>
    public ConfigMembers? Object(string name, params ReadOnlySpan<string> known)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigMap map) return new(map, PlaceOf(member), _report, known);
        Refuse(member, "an object with " + Listed(known));
        return null;
    }

    /// <summary>The objects of a list.</summary>
    public IEnumerable<ConfigMembers> Objects(string name, string[] known)
    {
        if (Find(name) is not { } member) yield break;
        if (member.Value is not ConfigList list)
        {
            Refuse(member, "a list of objects");
            yield break;
        }
        for (int i = 0; i < list.Items.Count; i++)
        {
            string place = Shown.Item(PlaceOf(member), i);
            if (list.Items[i] is ConfigMap map) yield return new(map, place, _report, known);
            else _report.Add(list.Items[i].Line, place, Refusal(list.Items[i], "an object with " + Listed(known)));
        }
    }

    private double? Number(string name, double min, double max, bool whole, string what)
    {
        if (Find(name) is not { } member) return null;
        if (member.Value is ConfigNumber { Value: var value } && value >= min && value <= max && (!whole || Math.Floor(value) == value)) return value;
        Refuse(member, string.Create(CultureInfo.InvariantCulture, $"a {what} from {min:0.###} to {max:0.###}"));
        return null;
    }

    private List<PlacedText> Checked(IReadOnlyList<ConfigNode> items, Func<int, string> place, string allowed)
    {
        var texts = new List<PlacedText>();
        for (int i = 0; i < items.Count; i++)
        {
            if (items[i] is ConfigText { Value.Length: > 0 } text) texts.Add(new(text.Value, place(i), text.Line));
            else _report.Add(items[i].Line, place(i), Refusal(items[i], allowed));
        }
        return texts;
    }

    private ConfigMember? Find(string name) => _map.Members.FirstOrDefault(member => member.Name == name);

    private string PlaceOf(ConfigMember member) => Shown.Member(Place, member.Name);

    private void Refuse(ConfigMember member, string allowed) => _report.Add(member.Value.Line, PlaceOf(member), Refusal(member.Value, allowed));

    private void Report(ConfigMember member, string text) => _report.Add(member.Line, PlaceOf(member), text);

    private static string Refusal(ConfigNode value, string allowed) => $"{Shown.Value(value)} is not allowed; {allowed}";

    private static string Unknown(string name, ReadOnlySpan<string> known) =>
        Spelling.Nearest(name, known) is { } near ? $"there is no such member; did you mean '{near}'?" : $"there is no such member; {Listed(known)}";

    private static string Listed(ReadOnlySpan<string> names) => string.Join(", ", names.ToArray());
}
