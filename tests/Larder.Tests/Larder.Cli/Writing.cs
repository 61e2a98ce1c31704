using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Larder.Tests.Cli;

/// <summary>Random configuration documents, right and wrong, and how they are written in both languages.</summary>
internal sealed class Writing(Random random)
{
    private static readonly string[] Names =
        ["origin", "urls", "memory", "body", "keepStale", "timeouts", "privateUserHeader", "rules", "entries", "megabytes", "connect", "response", "idle",
         "path", "glob", "regex", "methods", "ttl", "scope", "never", "tags", "invalidates", "staleIfError", "staleWhileRevalidate", "tll", "", "<<", "a b"];

    private static readonly object?[] Scalars =
        [null, true, false, 0, 1, 5, 60, 31536000, 31536001, -1, 1.5, "", "true", "5", "null", "~", "http://a", "http://127.0.0.1:8080", "/jobs/{id}", "/a", "*.list", "(", "^/x",
         "GET", "private", "public", "job:{id}", "tag", "=x", "# no comment", "a: b", "- x", "caf\u00e9", "line\nline", "\"", "'", "\\", "*a", "&a", "!t", "%", "@", "\u0085", "\U0001F600", " x "];

    /// <summary>A document: names to values, lists and scalars, and mostly what the gateway knows.</summary>
    public object? Document()
    {
        var document = new List<KeyValuePair<string, object?>> { new("origin", "http://127.0.0.1:8081") };
        foreach (string name in (string[])["keepStale", "urls", "privateUserHeader"])
            if (random.Next(4) == 0) document.Add(new(name, Any(1)));
        if (random.Next(2) == 0) document.Add(new("memory", new List<KeyValuePair<string, object?>> { new("entries", random.Next(2) == 0 ? random.Next(1000) : Any(1)) }));
        document.Add(new("rules", Enumerable.Range(0, random.Next(5)).Select(_ => (object?)Rule()).ToList()));
        if (random.Next(5) == 0) document.Add(new(Pick(Names), Any(2)));
        return document;
    }

    /// <summary>The value as JSON.</summary>
    public static string Json(object? value) => value switch
    {
        List<KeyValuePair<string, object?>> map => "{" + string.Join(",\n", map.Select(m => Quoted(m.Key) + ":" + Json(m.Value))) + "}",
        List<object?> list => "[" + string.Join(",", list.Select(Json)) + "]",
        _ => Scalar(value),
    };

    /// <summary>The value as YAML: blocks or, at random, the flow style.</summary>
    public string Yaml(object? value, int indent = 0)
    {
        var margin = new string(' ', indent);
        return value switch
        {
            List<KeyValuePair<string, object?>> { Count: > 0 } map when random.Next(4) > 0 =>
                string.Concat(map.Select(m => $"\n{margin}{Quoted(m.Key)}: {Yaml(m.Value, indent + 2)}")),
            List<object?> { Count: > 0 } list when random.Next(4) > 0 => string.Concat(list.Select(item => $"\n{margin}-   {Yaml(item, indent + 4)}")),
            string text when random.Next(2) == 0 && !text.AsSpan().ContainsAny("\n\u0085") => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'",
            null => Pick<string>(["null", "~", "Null"]),
            bool flag => Pick<string>(flag ? ["true", "True"] : ["false", "FALSE"]),
            _ => Json(value).Replace("\n", " ", StringComparison.Ordinal),
        };
    }

    /// <summary>A text that looks like a document here and there.</summary>
    public string Noise()
    {
        string[] pieces = ["{", "}", "[", "]", ":", ",", "- ", "\n", "\n  ", " ", "\"", "'", "&a ", "*a", "!!str ", "!x ", "---\n", "...\n", "|", ">", "? ", "# ", "%YAML 1.2\n", "\t", "\0", "\ud800", "\ufeff", "\u2028", "\\u", "\\", "1e9", "0x", "<<", "rules", "path", "/a", "ttl", "origin", "http://", "@", "null", "\r"];
        var text = new StringBuilder();
        for (int i = random.Next(60); i >= 0; i--) text.Append(random.Next(10) == 0 ? ((char)random.Next(0x300)).ToString() : Pick(pieces));
        return text.ToString();
    }

    /// <summary>The text with a few characters changed, removed or repeated.</summary>
    public string Damaged(string text)
    {
        var damaged = new StringBuilder(text);
        for (int i = random.Next(1, 5); i > 0 && damaged.Length > 0; i--)
        {
            int at = random.Next(damaged.Length);
            if (random.Next(2) == 0) damaged.Remove(at, Math.Min(random.Next(1, 4), damaged.Length - at));
            else damaged.Insert(at, Noise().AsSpan()[..1]);
        }
        return damaged.ToString();
    }

    private List<KeyValuePair<string, object?>> Rule()
    {
        var rule = new List<KeyValuePair<string, object?>> { Pick<KeyValuePair<string, object?>>([new("path", "/jobs/{id}"), new("glob", "/a*"), new("regex", "^/b")]) };
        if (random.Next(2) == 0) rule.Add(new("ttl", random.Next(1, 1000)));
        if (random.Next(3) == 0) rule.Add(new("tags", new List<object?> { "a", "b" }));
        if (random.Next(3) == 0) rule.Add(new(Pick(Names), Any(2)));
        return rule;
    }

    private object? Any(int depth)
    {
        if (depth == 0 || random.Next(3) > 0) return Pick(Scalars);
        return random.Next(2) == 0
            ? Enumerable.Range(0, random.Next(4)).Select(_ => Any(depth - 1)).ToList()
            : Enumerable.Range(0, random.Next(4)).Select(_ => new KeyValuePair<string, object?>(Pick(Names), Any(depth - 1))).ToList();
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];

    private static string Scalar(object? value) => value switch
    {
        string text => Quoted(text),
        bool flag => flag ? "true" : "false",
        null => "null",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Quoted(string text) => JsonSerializer.Serialize(text);
}
