using System.Collections;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Globalization;

namespace Larder.Tests.Keys;

/// <summary>Different inputs never make one key: whatever goes in can be read back.</summary>
public sealed class InjectivityTests
{
    private static readonly string[] Nasty =
        ["", " ", "|", "a", "b", "1", ":", "=", "1:a", " 1:a", "@", " @3:ann", " |e1", "?", "&", "#", "\\", "\\u0000", "\0", "\n", "\u001f", "\ud800", "\udc00", "\ud83d\ude00", "é", "z", "[", "]", "{", "}"];

    private readonly Random _random = new(20260731);
    private readonly CacheKeys _keys = new(new() { Measure = false }, maxLength: 1_000_000);

    /// <summary>Each differs from each other in what is written, in kind, or in what it stands for.</summary>
    private static readonly Uri[] Uris =
    [
        new("/a", UriKind.Relative), new("/a", UriKind.Absolute), new("file:///a"), new("a", UriKind.Relative), new("", UriKind.Relative),
        new("http://h"), new("http://h/"), new("http://H/"), new("http://h:80/"), new("http://h/#f"), new("http://u@h/"), new("https://h/"),
        new("http://h/~"), new("http://h/%7e"), new("http://h/%7E"), new("http://h/\u00e9"), new("http://h/%C3%A9"), new("http://h/a/../b"),
        new("http://h/a/../b", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }), new("http://h/b"),
    ];

    private string Text() => string.Concat(Enumerable.Range(0, _random.Next(4)).Select(_ => Nasty[_random.Next(Nasty.Length)]));

    private string NotEmpty() => "x" + Text();

    private object? Value(int depth = 0) => _random.Next(depth < 3 ? 13 : 11) switch
    {
        0 => null,
        1 => _random.Next(-2, 3),
        2 => (long)_random.Next(-2, 3),
        3 => _random.Next(2) == 0,
        4 => _random.NextDouble(),
        5 => (decimal)_random.Next(3) / 2,
        6 => (DayOfWeek)_random.Next(8),
        7 => new Guid(_random.Next(3), 0, 0, new byte[8]),
        8 or 9 => Text(),
        10 => Uris[_random.Next(Uris.Length)],
        11 => List([.. Enumerable.Range(0, _random.Next(3)).Select(_ => Value(depth + 1))]),
        _ => Enumerable.Range(0, _random.Next(3)).Select(_ => Text()).Distinct().ToDictionary(k => k, _ => Value(depth + 1)),
    };

    /// <summary>The same items as every sort of list that is taken.</summary>
    private object List(List<object?> items) => _random.Next(8) switch
    {
        0 => items,
        1 => items.ToArray(),
        2 => new ArraySegment<object?>([.. items, "beyond"], 0, items.Count),
        3 => new Queue<object?>(items),
        4 => items.ToImmutableArray(),
        5 => new ReadOnlyCollection<object?>(items),
        6 => new ArrayList(items),
        _ => items.Select(static item => item),
    };

    private (string Name, object? Value)[] Parameters() => [.. Enumerable.Range(0, _random.Next(4)).Select(_ => (Text(), Value()))];

    /// <summary>What a value must be read back as.</summary>
    private static object? Expected(object? value) => value switch
    {
        null => null,
        Dictionary<string, object?> pairs => pairs.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, Expected(p.Value))).ToList(),
        string s => ('s', s),
        IEnumerable list => list.Cast<object?>().Select(Expected).ToList(),
        int or long => ('i', Convert.ToString(value, CultureInfo.InvariantCulture)),
        bool b => ('b', b.ToString()),
        double d => ('d', d.ToString(CultureInfo.InvariantCulture)),
        decimal m => ('m', m.ToString(CultureInfo.InvariantCulture)),
        Guid g => ('g', g.ToString()),
        Uri { IsAbsoluteUri: false } relative => ('u', relative.OriginalString, ""),
        Uri absolute => ('u', absolute.OriginalString, absolute.AbsoluteUri),
        _ => ('e', value.GetType().FullName, value.ToString()),
    };

    private static List<(string, object?)> Sorted(string mark, IEnumerable<(string Name, object? Value)> parameters) =>
        [.. parameters.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => (mark, (object?)(p.Name, Expected(p.Value))))];

    private static void Equal(List<(string, object?)> expected, List<(string, object?)> actual) => Assert.Equal(Flat(expected), Flat(actual));

    private static string Flat(object? value) => value switch
    {
        null => "null",
        string s => "'" + string.Concat(s.Select(c => ((int)c).ToString("x4", CultureInfo.InvariantCulture))) + "'",
        System.Runtime.CompilerServices.ITuple tuple => "(" + string.Join(",", Enumerable.Range(0, tuple.Length).Select(i => Flat(tuple[i]))) + ")",
        IEnumerable list => "[" + string.Join(",", list.Cast<object?>().Select(Flat)) + "]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static void IsClean(string key) => Assert.DoesNotContain(
        key.Where((c, i) => char.IsControl(c)
            || char.IsHighSurrogate(c) && (i + 1 == key.Length || !char.IsLowSurrogate(key[i + 1]))
            || char.IsLowSurrogate(c) && (i == 0 || !char.IsHighSurrogate(key[i - 1]))), _ => true);

    [Fact]
    public void Endpoint_parameters_and_user_are_read_back()
    {
        for (int i = 0; i < 20_000; i++)
        {
            string endpoint = NotEmpty();
            var parameters = Parameters();
            string? user = _random.Next(3) == 0 ? NotEmpty() : null;
            CacheKey key = _keys.ForEndpoint(endpoint, [.. parameters], user);
            IsClean(key.Text);
            var read = KeyReader.Read(key.Text);
            Assert.Equal(('e', endpoint, user), (read.Form, read.Head, key.User));
            Equal([.. Sorted(" ", parameters), .. user is null ? [] : new[] { ("@", (object?)user) }], read.Parts);
        }
    }

    [Fact]
    public void Method_path_query_headers_and_user_are_read_back()
    {
        var keys = new CacheKeys(new() { QueryOrder = QueryOrder.AsSent }, maxLength: 1_000_000);
        for (int i = 0; i < 20_000; i++)
        {
            string path = NotEmpty(), method = NotEmpty(), query = Text();
            (string Name, object? Value)[] headers = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => (_random.Next(2) == 0 ? Text() : _random.Next(2) == 0 ? "a" : "A", (object?)(_random.Next(4) == 0 ? null : Text())))];
            string? user = _random.Next(3) == 0 ? NotEmpty() : null;
            string key = keys.ForRequest(method, path, query, [.. headers], user).Text;
            IsClean(key);
            var read = KeyReader.Read(key);
            string seen = query.StartsWith('?') ? query : query == "" ? "" : "?" + query;
            Assert.Equal(('r', path + seen), (read.Form, read.Head));
            Assert.Equal(path, KeyReader.Read(key).Head[..^seen.Length]);
            Equal([("m", method), .. Sorted("h", headers.Select(h => (h.Name.ToLowerInvariant(), h.Value))), .. user is null ? [] : new[] { ("@", (object?)user) }], read.Parts);
        }
    }

    [Fact]
    public void Operation_text_options_and_question_are_read_back()
    {
        for (int i = 0; i < 20_000; i++)
        {
            string operation = NotEmpty(), text = Text();
            var options = Parameters();
            string? question = _random.Next(3) == 0 ? Text() : null, user = _random.Next(3) == 0 ? NotEmpty() : null;
            string key = _keys.ForOperation(operation, text, [.. options], question, user).Text;
            IsClean(key);
            var read = KeyReader.Read(key);
            Assert.Equal(('o', operation), (read.Form, read.Head));
            Equal([("t", text), .. Sorted(" ", options), .. question is null ? [] : new[] { ("q", (object?)question) }, .. user is null ? [] : new[] { ("@", (object?)user) }], read.Parts);
        }
    }

    [Fact]
    public void A_path_and_a_query_do_not_run_into_each_other()
    {
        Assert.NotEqual(_keys.ForRequest("GET", "/a?b").Text, _keys.ForRequest("GET", "/a", "b").Text);
        Assert.NotEqual(_keys.ForRequest("GET", "/a").Text, _keys.ForRequest("GET", "/a", "?").Text);
        Assert.Equal(_keys.ForRequest("GET", "/a").Text, _keys.ForRequest("GET", "/a", "").Text);
        Assert.Equal(_keys.ForRequest("GET", "/a", "b").Text, _keys.ForRequest("GET", "/a", "?b").Text);
    }

    [Fact]
    public void Uris_that_differ_in_anything_make_different_keys_and_what_is_written_alone_does_not()
    {
        string[] keys = [.. Uris.Select(uri => _keys.ForEndpoint("e", [("u", uri)]).Text)];
        Assert.Equal(Uris.Length, keys.Distinct().Count());
        Assert.True(Uris.Select(uri => uri.OriginalString).Distinct().Count() < Uris.Length);
        // The same again is the same key.
        Assert.Equal(keys[Array.IndexOf(Uris, new Uri("http://h"))], _keys.ForEndpoint("e", [("u", new Uri("http://h"))]).Text);
    }

    /// <summary>Two inputs of a small space make one key exactly where they are one input; a key that is only joined fails that.</summary>
    [Fact]
    public void Keys_are_equal_where_the_inputs_are_and_a_joined_key_is_not()
    {
        Assert.Equal(0, Collisions(p => _keys.ForEndpoint("e", [.. p]).Text));
        Assert.NotEqual(0, Collisions(p => "e:" + string.Join(':', p.OrderBy(x => x.Name, StringComparer.Ordinal).Select(x => x.Name + "=" + x.Value))));
    }

    private int Collisions(Func<(string Name, object? Value)[], string> make)
    {
        string[] small = ["", ":", "a", "a=", ":a", "1"];
        var seen = new Dictionary<string, string>();
        int collisions = 0;
        for (int i = 0; i < 20_000; i++)
        {
            (string, object?)[] parameters = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => (small[_random.Next(small.Length)], _random.Next(4) == 0 ? 1 : (object?)small[_random.Next(small.Length)]))];
            string model = Flat(Sorted(" ", parameters));
            if (!seen.TryAdd(make(parameters), model) && seen[make(parameters)] != model) collisions++;
        }
        return collisions;
    }
}
