namespace Larder.AspNetCore;

/// <summary>A path template, split into its segments.</summary>
internal sealed class PathTemplate : RulePattern
{
    private readonly record struct Segment(string Text, bool IsParameter);

    private readonly Segment[] _segments;
    private readonly string? _rest;

    public PathTemplate(string template) : base(template)
    {
        ArgumentException.ThrowIfNullOrEmpty(template);
        if (template[0] != '/') throw Malformed("it must begin with '/'");
        if (template.Contains('?', StringComparison.Ordinal)) throw Malformed("a path has no query");
        string[] parts = template.Trim('/').Split('/', StringSplitOptions.None);
        if (parts is [""]) parts = [];
        if (parts is [.., ['{', '*', '*', .. var rest, '}']])
        {
            _rest = rest;
            parts = parts[..^1];
        }
        _segments = [.. parts.Select(Parse)];
        string[] names = [.. _segments.Where(s => s.IsParameter).Select(s => s.Text).Append(_rest).OfType<string>()];
        if (names.Any(name => name.Length == 0)) throw Malformed("a placeholder has no name");
        if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() != names.Length) throw Malformed("two placeholders have one name");
    }

    internal override string Kind => "path";

    internal override bool IsMatch(ReadOnlySpan<char> path) => Walk(path, null, out _);

    internal override bool Captures(string name) =>
        IsName(_rest, name) || _segments.Any(segment => segment.IsParameter && IsName(segment.Text, name));

    internal override string? Capture(ReadOnlySpan<char> path, string name) =>
        Walk(path, name, out ReadOnlySpan<char> value) && Captures(name) ? value.ToString() : null;

    private bool Walk(ReadOnlySpan<char> path, string? name, out ReadOnlySpan<char> value)
    {
        value = default;
        if (path.IsEmpty || path[0] != '/') return false;
        ReadOnlySpan<char> left = path[1..];
        foreach (Segment segment in _segments)
        {
            int slash = left.IndexOf('/');
            ReadOnlySpan<char> part = slash < 0 ? left : left[..slash];
            left = slash < 0 ? default : left[(slash + 1)..];
            if (part.IsEmpty) return false;
            if (!segment.IsParameter)
            {
                if (!part.Equals(segment.Text, StringComparison.OrdinalIgnoreCase)) return false;
            }
            else if (IsName(segment.Text, name))
            {
                value = part;
            }
        }
        if (_rest is null) return left.IsEmpty;
        if (IsName(_rest, name)) value = left;
        return true;
    }

    private Segment Parse(string part)
    {
        if (part.Length == 0) throw Malformed("a segment is empty");
        if (part is ['{', .. var name, '}'] && !name.AsSpan().ContainsAny("{}*")) return new(name, true);
        if (part.AsSpan().ContainsAny("{}*"))
            throw Malformed($"'{part}' is neither a plain segment nor a {{name}}; a glob takes '*'");
        return new(part, false);
    }

    private static bool IsName(string? own, string? asked) =>
        own is not null && string.Equals(own, asked, StringComparison.OrdinalIgnoreCase);

    private ArgumentException Malformed(string why) => new($"The path template '{Text}' is malformed: {why}.");
}
