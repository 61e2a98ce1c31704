using System.Globalization;

namespace Larder.Gateway.Configuration;

/// <summary>One mistake in a configuration.</summary>
/// <param name="Source">The file's name; empty for flags.</param>
/// <param name="Line">The line, from 1; null where the mistake has none, such as a missing member.</param>
/// <param name="Place">The member: <c>rules[3].ttl</c>; empty for the document as a whole.</param>
/// <param name="Text">What is wrong, and what is allowed.</param>
internal sealed record ConfigProblem(string Source, int? Line, string Place, string Text)
{
    /// <summary>The message: <c>larder.json:12: rules[3].ttl: -5 is not allowed; …</c></summary>
    public override string ToString()
    {
        string where = Line is { } line ? $"{Source}:{line.ToString(CultureInfo.InvariantCulture)}" : Source;
        return string.Join(": ", new[] { where, Place, Text }.Where(part => part.Length > 0));
    }
}

/// <summary>A document that can't be read as a tree at all: malformed, too large or too deep.</summary>
internal sealed class ConfigSyntaxException(string message, int? line = null) : Exception(message)
{
    /// <summary>The line, from 1.</summary>
    public int? Line => line;
}
