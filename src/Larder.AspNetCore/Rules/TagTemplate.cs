using System.Text;

namespace Larder.AspNetCore;

/// <summary>A tag with placeholders for parts of the path: <c>job:{id}</c>.</summary>
internal sealed class TagTemplate
{
    private readonly record struct Piece(string Text, bool IsName);

    private readonly Piece[] _pieces;

    public TagTemplate(string text, RulePattern pattern)
    {
        var pieces = new List<Piece>();
        ReadOnlySpan<char> left = text;
        while (!left.IsEmpty)
        {
            int open = left.IndexOf('{');
            if (open != 0)
            {
                pieces.Add(new(left[..(open < 0 ? left.Length : open)].ToString(), false));
                left = open < 0 ? default : left[open..];
                continue;
            }
            int close = left.IndexOf('}');
            string name = close < 0 ? "" : left[1..close].ToString();
            if (!pattern.Captures(name)) throw new ArgumentException($"The tag '{text}' names '{{{name}}}', which the pattern '{pattern}' has not.");
            pieces.Add(new(name, true));
            left = left[(close + 1)..];
        }
        _pieces = [.. pieces];
        if (TagRules.Problem(text) is { } problem) throw new ArgumentException($"The tag '{text}' is not allowed: {problem}");
    }

    /// <summary>The names of its placeholders.</summary>
    public IEnumerable<string> Names => _pieces.Where(static piece => piece.IsName).Select(static piece => piece.Text);

    /// <summary>The tag.</summary>
    /// <param name="value">What a placeholder stands for; null or empty where it stands for nothing.</param>
    public string For(Func<string, string?> value)
    {
        if (_pieces is [{ IsName: false }]) return _pieces[0].Text;
        var tag = new StringBuilder();
        foreach (Piece piece in _pieces)
            tag.Append(!piece.IsName ? piece.Text : value(piece.Text) is { Length: > 0 } text ? TagValue.Write(text) : "");
        return tag.ToString();
    }
}
