using Larder.Cli.Configuration;

namespace Larder.Tests.Gateway.Configuration;

/// <summary>Every kind of mistake: its place, the value, and what is allowed.</summary>
public sealed class MistakeTests
{
    private const string Url = "an absolute http or https URL such as http://127.0.0.1:8081";
    private const string Listen = "a URL such as http://127.0.0.1:8080, with nothing after the port";
    private const string Year = "a number of seconds from 0 to 31536000";
    private const string Timeout = "a number of seconds from 0.1 to 86400";

    [Theory]
    [InlineData("""{"orign":1}""", "orign: there is no such member; did you mean 'origin'?")]
    [InlineData("""{"RULES":[]}""", "RULES: there is no such member; did you mean 'rules'?")]
    [InlineData("""{"x y":1}""", "[\"x y\"]: there is no such member; origin, origins, urls, tls, memory, body, keepStale, cacheErrors, timeouts, retries, headers, forwarded, privateUserHeader, redis, rules, heuristics, compress, cacheControlTargets, tagHeaders, positionHeader, purge, esi, presets")]
    [InlineData("""{"origin":"http://a","origin":"http://a"}""", "origin: it is given twice")]
    [InlineData("[]", "a list is not allowed; an object with origin, origins, urls, tls, memory, body, keepStale, cacheErrors, timeouts, retries, headers, forwarded, privateUserHeader, redis, rules, heuristics, compress, cacheControlTargets, tagHeaders, positionHeader, purge, esi, presets")]
    [InlineData("""{"origin":5}""", $"origin: 5 is not allowed; {Url}")]
    [InlineData("""{"origin":""}""", $"origin: \"\" is not allowed; {Url}")]
    [InlineData("""{"origin":"ftp://a"}""", $"origin: \"ftp://a\" is not allowed; {Url}")]
    [InlineData("""{"origin":"http:/a"}""", $"origin: \"http:/a\" is not allowed; {Url}")]
    [InlineData("""{"origin":"http://"}""", $"origin: \"http://\" is not allowed; {Url}")]
    [InlineData("""{"origin":"http://a b"}""", $"origin: \"http://a b\" is not allowed; {Url}")]
    [InlineData("""{"origin":"http://a\\b"}""", $"origin: \"http://a\\b\" is not allowed; {Url}")]
    [InlineData("""{"origin":"http://u:secret@a"}""", "origin: \"http://***@a\" is not allowed; a URL without user and password")]
    [InlineData("""{"origin":"http://a/?q"}""", "origin: \"http://a/?q\" is not allowed; a URL without query and fragment")]
    [InlineData("""{"origin":"http://a/#f"}""", "origin: \"http://a/#f\" is not allowed; a URL without query and fragment")]
    [InlineData("""{"origin":"http://a:0"}""", "origin: \"http://a:0\" is not allowed; a port from 1 to 65535")]
    [InlineData("""{"origin":"http://a:65536"}""", "origin: \"http://a:65536\" is not allowed; a port from 1 to 65535")]
    [InlineData("""{"urls":{}}""", $"urls: an object is not allowed; {Listen}, or a list of them")]
    [InlineData("""{"urls":[]}""", $"urls: an empty list is not allowed; {Listen}")]
    [InlineData("""{"urls":[7]}""", $"urls[0]: 7 is not allowed; {Listen}")]
    [InlineData("""{"urls":"a:1"}""", $"urls: \"a:1\" is not allowed; {Listen}")]
    [InlineData("""{"urls":["https://a:1"]}""", "urls: \"https://a:1\" needs a certificate; say tls with certificate and key in the configuration")]
    [InlineData("""{"urls":["http://a:1/x"]}""", "urls[0]: \"http://a:1/x\" is not allowed; a port from 0 to 65535 (0 is any free one)")]
    [InlineData("""{"urls":["http://a/x"]}""", $"urls[0]: \"http://a/x\" is not allowed; {Listen}")]
    [InlineData("""{"urls":["http://u@a"]}""", $"urls[0]: \"http://***@a\" is not allowed; {Listen}")]
    [InlineData("""{"urls":["http://[::1"]}""", $"urls[0]: \"http://[::1\" is not allowed; {Listen}")]
    [InlineData("""{"urls":["http://localhost:0"]}""", "urls[0]: \"http://localhost:0\" is not allowed; a free port (0) needs an IP address such as http://127.0.0.1:0")]
    [InlineData("""{"urls":["http://a:1","http://A:1"]}""", "urls[1]: \"http://A:1\" is not allowed; each URL once")]
    [InlineData("""{"memory":5}""", "memory: 5 is not allowed; an object with entries, megabytes")]
    [InlineData("""{"memory":{"entrys":1}}""", "memory.entrys: there is no such member; did you mean 'entries'?")]
    [InlineData("""{"memory":{"entries":1.5}}""", "memory.entries: 1.5 is not allowed; a whole number from 0 to 100000000")]
    [InlineData("""{"memory":{"entries":-1}}""", "memory.entries: -1 is not allowed; a whole number from 0 to 100000000")]
    [InlineData("""{"memory":{"megabytes":1e400}}""", "memory.megabytes: 1e400 is not allowed; a whole number of megabytes from 0 to 1048576")]
    [InlineData("""{"body":{"megabytes":0}}""", "body.megabytes: 0 is not allowed; a whole number of megabytes from 1 to 1900")]
    [InlineData("""{"body":{"megabytes":1901}}""", "body.megabytes: 1901 is not allowed; a whole number of megabytes from 1 to 1900")]
    [InlineData("""{"keepStale":"5"}""", $"keepStale: \"5\" is not allowed; {Year}")]
    [InlineData("""{"keepStale":null}""", $"keepStale: null is not allowed; {Year}")]
    [InlineData("""{"timeouts":{"connect":0}}""", $"timeouts.connect: 0 is not allowed; {Timeout}")]
    [InlineData("""{"timeouts":{"response":86401}}""", $"timeouts.response: 86401 is not allowed; {Timeout}")]
    [InlineData("""{"timeouts":{"idle":true}}""", $"timeouts.idle: true is not allowed; {Timeout}")]
    [InlineData("""{"privateUserHeader":"a b"}""", "privateUserHeader: \"a b\" is not allowed; the name of a request header such as \"Authorization\"")]
    [InlineData("""{"privateUserHeader":"X-Forwarded-User"}""", "privateUserHeader: \"X-Forwarded-User\" is not allowed; the name of a request header such as \"Authorization\": the gateway removes this one, because any client could set it")]
    [InlineData("""{"rules":{}}""", "rules: an object is not allowed; a list of objects")]
    public void In_the_document(string json, string message) => Assert.Equal([message], Documents.Messages(json));

    [Theory]
    [InlineData("5", "rules[1]: 5 is not allowed; an object with path, glob, regex, action, methods, hosts, ttl, errorTtl, overridesOrigin, heuristics, scope, user, never, query, varyByHeaders, varyByCookies, body, tags, invalidates, staleIfError, staleWhileRevalidate, cacheControl, statuses, contentTypes, maxBodyMegabytes, compress")]
    [InlineData("{}", "rules[1]: one of path, glob, regex and action is missing")]
    [InlineData("""{"path":"/a","glob":"*"}""", "rules[1]: only one of path, glob, regex and action is allowed; it has path and glob")]
    [InlineData("""{"path":"a"}""", "rules[1].path: \"a\" is not allowed; a path template such as \"/jobs/{id}\": The path template 'a' is malformed: it must begin with '/'.")]
    [InlineData("""{"path":5}""", "rules[1].path: 5 is not allowed; a path template such as \"/jobs/{id}\"")]
    [InlineData("""{"glob":""}""", "rules[1].glob: \"\" is not allowed; a glob such as \"/jobs/*\"")]
    [InlineData("""{"regex":"(a"}""", "rules[1].regex: \"(a\" is not allowed; a regular expression such as \"^/jobs/\": Invalid pattern '(a' at offset 2. Not enough )'s.")]
    [InlineData("""{"path":"/a","ttl":-5}""", "rules[1].ttl: -5 is not allowed; a number of seconds from 1 to 31536000")]
    [InlineData("""{"path":"/a","tll":5}""", "rules[1].tll: there is no such member; did you mean 'ttl'?")]
    [InlineData("""{"path":"/a","ttl":5,"ttl":5}""", "rules[1].ttl: it is given twice")]
    [InlineData("""{"path":"/a","methods":[]}""", "rules[1].methods: an empty list is not allowed; leave it out for GET and HEAD")]
    [InlineData("""{"path":"/a","methods":["GET",1]}""", "rules[1].methods[1]: 1 is not allowed; a method such as \"GET\"")]
    [InlineData("""{"path":"/a","methods":"G T"}""", "rules[1].methods: \"G T\" is not allowed; a method such as \"GET\"")]
    [InlineData("""{"path":"/a","scope":"priv"}""", "rules[1].scope: \"priv\" is not allowed; one of shared, public and private")]
    [InlineData("""{"path":"/a","never":"yes"}""", "rules[1].never: \"yes\" is not allowed; true or false")]
    [InlineData("""{"path":"/a","never":true,"ttl":5}""", "rules[1]: it says never and gives a ttl.")]
    [InlineData("""{"path":"/a","tags":["a","=b"]}""", "rules[1].tags[1]: \"=b\" is not allowed; The tag '=b' is not allowed: A tag must not begin with '='.")]
    [InlineData("""{"path":"/a","invalidates":"b:{id}"}""", "rules[1].invalidates: \"b:{id}\" is not allowed; The tag 'b:{id}' names '{id}', which the pattern '/a' has not.")]
    [InlineData("""{"path":"/a","tags":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17","18","19","20","21"]}""", "rules[1]: it has 21 tags; allowed are 20.")]
    [InlineData("""{"path":"/a","staleIfError":-1}""", $"rules[1].staleIfError: -1 is not allowed; {Year}")]
    [InlineData("""{"path":"/a","staleWhileRevalidate":31536001}""", $"rules[1].staleWhileRevalidate: 31536001 is not allowed; {Year}")]
    public void In_a_rule(string rule, string message) =>
        Assert.Equal([message], Documents.Messages($$"""{"rules":[{"path":"/ok"},{{rule}}]}"""));

    [Fact]
    public void What_can_not_be_shown_is_escaped_and_what_is_long_is_cut() =>
        Assert.Equal(
            ["rules[0].scope: \"\\n\\r\\t\\u0001\\u202e\" is not allowed; one of shared, public and private", $"rules[1].scope: \"{new string('n', 80)}…\" is not allowed; one of shared, public and private"],
            Documents.Messages($$"""{"rules":[{"path":"/a","scope":"\n\r\t\u0001\u202e"},{"path":"/b","scope":"{{new string('n', 101)}}"}]}"""));

    [Theory]
    [InlineData("{", "not JSON: ")]
    [InlineData("", "not JSON: ")]
    [InlineData("{} {}", "not JSON: ")]
    [InlineData("{} // note", "not JSON: ")]
    [InlineData("""{"origin":"\ud800"}""", "not JSON: a text contains half a surrogate pair")]
    public void Not_a_document(string json, string begin) => Assert.StartsWith(begin, Assert.Single(Documents.Messages(json)));

    [Fact]
    public void Half_a_surrogate_pair_is_no_text() => Assert.Equal(["the text is not valid Unicode"], Documents.Messages("\"\ud800\""));

    [Fact]
    public void Too_deep_in_either_language()
    {
        foreach (string file in (string[])["a.json", "a.yaml"])
        {
            Assert.StartsWith("a list is not allowed", Assert.Single(Documents.Messages(new string('[', 32) + new string(']', 32), file)));
            Assert.Matches("[Dd]epth|deep", Assert.Single(Documents.Messages(new string('[', 33) + new string(']', 33), file)));
            Assert.Single(Documents.Messages(new string('[', 500_000), file));
        }
    }

    [Fact]
    public void Every_mistake_is_told_with_its_line_from_top_to_bottom()
    {
        const string Json = """
            {
              "rules": [
                { "path": "/a", "ttl": -5 },
                { "glob": "*",
                  "ttl": 0 }
              ],
              "keepStale": -1,
              "origin": "x"
            }
            """;
        Assert.Equal(
        [
            "larder.json:3: rules[0].ttl: -5 is not allowed; a number of seconds from 1 to 31536000",
            "larder.json:5: rules[1].ttl: 0 is not allowed; a number of seconds from 1 to 31536000",
            $"larder.json:7: keepStale: -1 is not allowed; {Year}",
            $"larder.json:8: origin: \"x\" is not allowed; {Url}",
        ], ConfigFile.Parse(Json, "larder.json").Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void Flags_are_checked_beside_the_document()
    {
        var result = ConfigFile.Parse("""{"keepStale":-1}""", "f.json", new(Origin: "x", Urls: "http://a:1;;http://a:70000"));

        Assert.Null(result.Options);
        Assert.Equal(
        [
            $"--origin: \"x\" is not allowed; {Url}",
            $"--urls: \"\" is not allowed; {Listen}",
            "--urls: \"http://a:70000\" is not allowed; a port from 0 to 65535 (0 is any free one)",
            $"f.json:1: keepStale: -1 is not allowed; {Year}",
        ], result.Problems.Select(p => p.ToString()));
    }
}
