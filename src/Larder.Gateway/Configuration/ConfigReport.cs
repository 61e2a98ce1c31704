namespace Larder.Gateway.Configuration;

/// <summary>All mistakes of one source, in the order they were found.</summary>
/// <param name="source">The file's name; empty for flags.</param>
internal sealed class ConfigReport(string source)
{
    private readonly List<ConfigProblem> _problems = [];

    /// <summary>The mistakes.</summary>
    public IReadOnlyList<ConfigProblem> Problems => _problems;

    /// <summary>Notes a mistake.</summary>
    public void Add(int? line, string place, string text) => _problems.Add(new(source, line, place, text));

    /// <summary>Notes that a value is not allowed.</summary>
    public void Refuse(PlacedText value, string allowed) => Add(value.Line, value.Place, $"{Shown.Text(value.Value)} is not allowed; {allowed}");

    /// <summary>Notes that a URL is not allowed, which may hold a password.</summary>
    /// <param name="flag">Whether it was given beside the document, where there are no lines.</param>
    public void RefuseUrl(PlacedText url, string allowed, bool flag = false) => Add(flag ? null : url.Line, url.Place, $"{Shown.Url(url.Value)} is not allowed; {allowed}");
}
