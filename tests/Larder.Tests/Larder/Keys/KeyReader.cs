using System.Globalization;
using System.Text;

namespace Larder.Tests.Keys;

/// <summary>
/// Reads a key back into what it was made of. That it can be done is the proof that different inputs make different
/// keys; it knows nothing of the writer but the documented form.
/// </summary>
internal sealed class KeyReader
{
    private readonly string _text;
    private int _at;

    private KeyReader(string text) => _text = text;

    public static (char Form, string Head, int? PathLength, List<(string Mark, object? Value)> Parts) Read(string key)
    {
        int end = key.LastIndexOf(" |", StringComparison.Ordinal);
        char form = key[end + 2];
        string[] lengths = key[(end + 3)..].Split('.');
        int head = int.Parse(lengths[0], CultureInfo.InvariantCulture);
        var reader = new KeyReader(key[..end]) { _at = head };
        var parts = new List<(string, object?)>();
        while (reader._at < end) parts.Add(reader.Part());
        return (form, Unescape(key[..head]), lengths.Length > 1 ? int.Parse(lengths[1], CultureInfo.InvariantCulture) : null, parts);
    }

    private (string, object?) Part()
    {
        Expect(' ');
        char mark = _text[_at];
        if (char.IsAsciiDigit(mark)) return (" ", Parameter());
        _at++;
        return mark switch
        {
            'h' => ("h", Parameter()),
            '#' => ("#", (Number(), Take(64))),
            _ => (mark.ToString(), Raw()),
        };
    }

    private (string Name, object? Value) Parameter()
    {
        string name = Raw();
        Expect('=');
        return (name, Value());
    }

    private object? Value()
    {
        char mark = _text[_at++];
        switch (mark)
        {
            case 'z':
                return null;
            case '[':
                var list = new List<object?>();
                while (_text[_at] != ']') list.Add(Value());
                _at++;
                return list;
            case '{':
                var pairs = new List<(string, object?)>();
                while (_text[_at] != '}')
                {
                    Expect(' ');
                    pairs.Add(Parameter());
                }
                _at++;
                return pairs;
            case 'u':
                string written = Raw();
                if (_at == _text.Length || _text[_at] != '=') return (mark, written, "");
                _at++;
                return (mark, written, _at < _text.Length && char.IsAsciiDigit(_text[_at]) ? Raw() : written);
            case 'e':
                return (mark, Raw(), Raw());
            default:
                return (mark, Raw());
        }
    }

    /// <summary><c>length:text</c>, the length being that of the text before it was escaped.</summary>
    private string Raw()
    {
        int length = Number();
        var raw = new StringBuilder();
        while (raw.Length < length)
        {
            if (_text[_at] == '\\')
            {
                raw.Append((char)int.Parse(_text.AsSpan(_at + 2, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                _at += 6;
            }
            else
            {
                raw.Append(_text[_at++]);
            }
        }
        return raw.ToString();
    }

    private int Number()
    {
        int colon = _text.IndexOf(':', _at);
        int number = int.Parse(_text.AsSpan(_at, colon - _at), CultureInfo.InvariantCulture);
        _at = colon + 1;
        return number;
    }

    private string Take(int length) => _text.Substring((_at += length) - length, length);

    private void Expect(char c)
    {
        if (_text[_at++] != c) throw new FormatException($"{c} expected at {_at - 1} of {_text}");
    }

    private static string Unescape(string text) =>
        System.Text.RegularExpressions.Regex.Replace(text, @"\\u(....)", m => ((char)Convert.ToInt32(m.Groups[1].Value, 16)).ToString());
}
