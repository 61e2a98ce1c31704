using System.Globalization;
using System.Text;

namespace Larder.Gateway.Configuration;

/// <summary>Values and names as messages show them: on one line, bounded, without control characters and passwords.</summary>
internal static class Shown
{
    private const int MaxLength = 80;

    /// <summary>A value: texts quoted, lists and objects only by what they are.</summary>
    public static string Value(ConfigNode node) => node switch
    {
        ConfigText text => Text(text.Value),
        ConfigNumber number => Short(number.Written),
        ConfigBoolean { Value: true } => "true",
        ConfigBoolean => "false",
        ConfigList => "a list",
        ConfigMap => "an object",
        _ => "null",
    };

    /// <summary>A text in quotes.</summary>
    public static string Text(string text) => $"\"{Short(text)}\"";

    /// <summary>A URL in quotes, whose user information is hidden: it may be a password.</summary>
    public static string Url(string url)
    {
        int at = url.LastIndexOf('@');
        if (at < 0) return Text(url);
        int start = url.IndexOf("//", StringComparison.Ordinal);
        return Text((start < 0 || start > at ? "" : url[..(start + 2)]) + "***" + url[at..]);
    }

    /// <summary>The place of a member.</summary>
    public static string Member(string place, string name)
    {
        bool plain = name.Length is > 0 and <= MaxLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
        if (!plain) return $"{place}[{Text(name)}]";
        return place.Length == 0 ? name : $"{place}.{name}";
    }

    /// <summary>The place of an item.</summary>
    public static string Item(string place, int index) => string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]");

    /// <summary>A message of somebody else's on one line.</summary>
    public static string Sentence(string message) => Escaped(message, 400);

    private static string Short(string text) => Escaped(text, MaxLength);

    private static string Escaped(string text, int max)
    {
        var shown = new StringBuilder();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, max)))
        {
            if (c is '\n' or '\r' or '\t') shown.Append(c switch { '\n' => "\\n", '\r' => "\\r", _ => "\\t" });
            else if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' || char.GetUnicodeCategory(c) == UnicodeCategory.Format) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else shown.Append(c);
        }
        if (text.Length > max) shown.Append('…');
        return shown.ToString();
    }
}
