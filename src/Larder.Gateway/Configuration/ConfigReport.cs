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
}
