namespace Larder.AspNetCore.Rfc9111;

/// <summary>One <c>cache-directive = token [ "=" ( token / quoted-string ) ]</c> (RFC 9111 §5.2).</summary>
internal readonly ref struct CacheDirective
{
    /// <summary>The name, without white space; any text, since unknown names are ignored.</summary>
    public ReadOnlySpan<char> Name { get; init; }
    /// <summary>There is an equals sign.</summary>
    public bool HasArgument { get; init; }
    /// <summary>The argument without its quotes and still escaped; empty when it is malformed.</summary>
    public ReadOnlySpan<char> Argument { get; init; }
}

/// <summary>The directives of one line, in order, without allocation.</summary>
/// <remarks>
/// A quoted string may hide commas only if it is closed on its line: one that never ends is read as plain text, so that
/// a stray quote can't hide a <c>no-store</c>. White space beside the equals sign, or text after the closing quote,
/// makes the argument malformed.
/// </remarks>
internal ref struct CacheDirectives(ReadOnlySpan<char> line)
{
    private ReadOnlySpan<char> _rest = line;
    private CacheDirective _current;

    /// <summary>The directive found last.</summary>
    public readonly CacheDirective Current => _current;

    /// <summary>Lets <c>foreach</c> walk this value.</summary>
    public readonly CacheDirectives GetEnumerator() => this;

    /// <summary>Finds the next directive.</summary>
    public bool MoveNext()
    {
        _rest = _rest.TrimStart(" \t,");
        if (_rest.IsEmpty) return false;

        int end = _rest.IndexOfAny('=', ',');
        if (end < 0 || _rest[end] == ',')
        {
            _current = new CacheDirective { Name = FieldSyntax.TrimOws(Take(end < 0 ? _rest.Length : end)) };
            return true;
        }

        ReadOnlySpan<char> name = Take(end);
        ReadOnlySpan<char> argument = _rest is ['"', ..] ? TakeQuoted() : TakeToken();
        ReadOnlySpan<char> trimmed = FieldSyntax.TrimOws(name);
        _current = new CacheDirective
        {
            Name = trimmed,
            HasArgument = true,
            Argument = trimmed.Length == name.Length ? argument : default,
        };
        return true;
    }

    private ReadOnlySpan<char> TakeQuoted()
    {
        int close = FieldSyntax.ClosingQuote(_rest, 0);
        // Linear all the same: a quote behind an equals sign is never escaped, so only the last one can stay unclosed.
        if (close < 0) return TakeToken();
        ReadOnlySpan<char> inner = _rest[1..close];
        _rest = _rest[(close + 1)..];
        return FieldSyntax.TrimOws(TakeToComma()).IsEmpty ? inner : default;
    }

    private ReadOnlySpan<char> TakeToken()
    {
        ReadOnlySpan<char> text = TakeToComma();
        return text.IsEmpty || FieldSyntax.IsOws(text[0]) ? default : text.TrimEnd(" \t");
    }

    private ReadOnlySpan<char> TakeToComma()
    {
        int comma = _rest.IndexOf(',');
        return Take(comma < 0 ? _rest.Length : comma);
    }

    /// <summary>Takes so many characters and passes over the separator behind them.</summary>
    private ReadOnlySpan<char> Take(int length)
    {
        ReadOnlySpan<char> taken = _rest[..length];
        _rest = length < _rest.Length ? _rest[(length + 1)..] : default;
        return taken;
    }
}
