using System.Globalization;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// Parses structured fields (RFC 9651 §4.2): dictionaries and lists. As the RFC has it, one mistake anywhere fails the whole field.
/// </summary>
/// <remarks>Linear in the field's length, bounded in its members, and never throws. Of a member, its value and the keys of its parameters are kept.</remarks>
internal ref struct StructuredField
{
    /// <summary>Most members of a field; the RFC asks for 1,024 (§3.1, §3.2).</summary>
    private const int MostMembers = 1024;

    private readonly ReadOnlySpan<char> _text;
    private int _at;

    private StructuredField(ReadOnlySpan<char> text)
    {
        _text = text;
        _at = 0;
    }

    /// <summary>The members of a dictionary; of a key that is there twice the last one counts. False for what is none; several lines are one field.</summary>
    public static bool TryParseDictionary(StringValues lines, out List<StructuredItem> members) => TryParse(lines, isDictionary: true, out members);

    /// <summary>The members of a list. False for what is none.</summary>
    public static bool TryParseList(StringValues lines, out List<StructuredItem> members) => TryParse(lines, isDictionary: false, out members);

    private static bool TryParse(StringValues lines, bool isDictionary, out List<StructuredItem> members)
    {
        members = [];
        var field = new StructuredField(lines.Count == 1 ? lines[0] : string.Join(", ", lines.ToArray()));
        field.Skip(' ');
        while (field._at < field._text.Length)
        {
            if (members.Count == MostMembers || !field.TryMember(isDictionary, out StructuredItem member)) return false;
            if (isDictionary) members.RemoveAll(known => known.Key == member.Key);
            members.Add(member);
            field.SkipOws();
            if (field._at == field._text.Length) return true;
            if (!field.Take(',')) return false;
            field.SkipOws();
            // A comma at the end has no member behind it.
            if (field._at == field._text.Length) return false;
        }
        return true;
    }

    private bool TryMember(bool isDictionary, out StructuredItem member)
    {
        member = default;
        string key = "";
        if (isDictionary)
        {
            if (!TryKey(out key)) return false;
            if (!Take('='))
            {
                if (!TryParameters(out string[]? names)) return false;
                member = new(key, StructuredKind.Boolean, 1, "", names);
                return true;
            }
        }
        if (!TryValue(out StructuredKind kind, out long integer, out string text) || !TryParameters(out string[]? parameters)) return false;
        member = new(key, kind, integer, text, parameters);
        return true;
    }

    private bool TryValue(out StructuredKind kind, out long integer, out string text)
    {
        if (!Take('(')) return TryBareItem(out kind, out integer, out text);
        (kind, integer, text) = (StructuredKind.InnerList, 0, "");
        while (_at < _text.Length)
        {
            Skip(' ');
            if (Take(')')) return true;
            if (!TryBareItem(out _, out _, out _) || !TryParameters(out _)) return false;
            if (_at < _text.Length && _text[_at] is not (' ' or ')')) return false;
        }
        return false;
    }

    private bool TryParameters(out string[]? names)
    {
        names = null;
        List<string>? found = null;
        while (Take(';'))
        {
            Skip(' ');
            if (!TryKey(out string key) || (Take('=') && !TryBareItem(out _, out _, out _)) || found?.Count == MostMembers) return false;
            (found ??= []).Add(key);
        }
        names = found?.ToArray();
        return true;
    }

    private bool TryBareItem(out StructuredKind kind, out long integer, out string text)
    {
        (kind, integer, text) = (default, 0, "");
        if (_at == _text.Length) return false;
        char first = _text[_at];
        if (first == '-' || char.IsAsciiDigit(first)) return TryNumber(out kind, out integer);
        if (first == '"') return TryString(out kind, out text);
        if (first == '*' || char.IsAsciiLetter(first)) return TryToken(out kind, out text);
        _at++;
        switch (first)
        {
            case '?':
                kind = StructuredKind.Boolean;
                integer = Peek == '1' ? 1 : 0;
                return Take('1') || Take('0');
            case '@':
                if (!TryNumber(out kind, out integer) || kind != StructuredKind.Integer) return false;
                kind = StructuredKind.Date;
                return true;
            case ':':
                kind = StructuredKind.Bytes;
                return TryUntil(':', static c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '=');
            case '%':
                kind = StructuredKind.DisplayString;
                return Take('"') && TryUntil('"', static c => c is >= ' ' and <= '~');
            default:
                return false;
        }
    }

    /// <summary>Up to 15 digits, or 12 and up to 3 behind the point (§4.2.4).</summary>
    private bool TryNumber(out StructuredKind kind, out long integer)
    {
        (kind, integer) = (StructuredKind.Integer, 0);
        bool isNegative = Take('-');
        int start = _at;
        while (char.IsAsciiDigit(Peek)) _at++;
        ReadOnlySpan<char> digits = _text[start.._at];
        if (digits.IsEmpty || digits.Length > 15) return false;
        if (Take('.'))
        {
            kind = StructuredKind.Decimal;
            int point = _at;
            while (char.IsAsciiDigit(Peek)) _at++;
            return digits.Length <= 12 && _at - point is >= 1 and <= 3;
        }
        integer = long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        if (isNegative) integer = -integer;
        return true;
    }

    private bool TryString(out StructuredKind kind, out string text)
    {
        kind = StructuredKind.String;
        var value = new StringBuilder();
        text = "";
        for (_at++; _at < _text.Length; _at++)
        {
            char c = _text[_at];
            if (c == '\\')
            {
                if (++_at == _text.Length || _text[_at] is not ('"' or '\\')) return false;
                c = _text[_at];
            }
            else if (c == '"')
            {
                _at++;
                text = value.ToString();
                return true;
            }
            else if (c is < ' ' or > '~')
            {
                return false;
            }
            value.Append(c);
        }
        return false;
    }

    private bool TryToken(out StructuredKind kind, out string text)
    {
        kind = StructuredKind.Token;
        int start = _at++;
        while (_at < _text.Length && (Peek is ':' or '/' || FieldSyntax.IsToken([Peek]))) _at++;
        text = _text[start.._at].ToString();
        return true;
    }

    private bool TryKey(out string key)
    {
        int start = _at;
        key = "";
        if (Peek != '*' && !char.IsAsciiLetterLower(Peek)) return false;
        while (char.IsAsciiLetterLower(Peek) || char.IsAsciiDigit(Peek) || Peek is '_' or '-' or '.' or '*') _at++;
        key = _text[start.._at].ToString();
        return true;
    }

    private bool TryUntil(char end, Func<char, bool> isAllowed)
    {
        while (_at < _text.Length)
        {
            char c = _text[_at++];
            if (c == end) return true;
            if (!isAllowed(c)) return false;
        }
        return false;
    }

    private readonly char Peek => _at < _text.Length ? _text[_at] : '\0';

    private bool Take(char c)
    {
        if (Peek != c || _at == _text.Length) return false;
        _at++;
        return true;
    }

    private void Skip(char c)
    {
        while (Take(c)) { }
    }

    private void SkipOws()
    {
        while (_at < _text.Length && FieldSyntax.IsOws(_text[_at])) _at++;
    }
}
