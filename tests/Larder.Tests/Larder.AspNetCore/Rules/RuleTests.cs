using Larder.AspNetCore;

namespace Larder.Tests.Http.Rules;

public sealed class RuleTests
{
    [Theory]
    [InlineData("/", "/", true), InlineData("/", "/a", false)]
    [InlineData("/jobs", "/jobs", true), InlineData("/jobs", "/JOBS/", true), InlineData("/jobs", "/jobs//", false), InlineData("/jobs", "/jobsx", false)]
    [InlineData("/jobs/", "/jobs", true), InlineData("/jobs", "jobs", false), InlineData("/jobs", "", false)]
    [InlineData("/jobs/{id}", "/jobs/7", true), InlineData("/jobs/{id}", "/jobs/7/", true), InlineData("/jobs/{id}", "/jobs/", false)]
    [InlineData("/jobs/{id}", "/jobs", false), InlineData("/jobs/{id}", "/jobs/7/download", false), InlineData("/jobs/{id}/download", "/jobs/7/download", true)]
    [InlineData("/f/{**rest}", "/f", true), InlineData("/f/{**rest}", "/f/", true), InlineData("/f/{**rest}", "/f/a/b", true), InlineData("/f/{**rest}", "/g/a", false)]
    [InlineData("/{**all}", "/", true), InlineData("/{**all}", "/a/b/c", true)]
    public void Templates(string template, string path, bool matches) => Assert.Equal(matches, RulePattern.Path(template).IsMatch(path));

    [Theory]
    [InlineData("jobs"), InlineData(""), InlineData("/a//b"), InlineData("/{}"), InlineData("/{**}"), InlineData("/a{b}"), InlineData("/*"), InlineData("/{**r}/a")]
    [InlineData("/{a}/{A}"), InlineData("/{a}/{**a}"), InlineData("/{a{b}}")]
    public void Malformed_templates(string template) => Assert.ThrowsAny<ArgumentException>(() => RulePattern.Path(template));

    [Theory]
    [InlineData("/auth/*", "/auth/login/x", true), InlineData("/auth/*", "/AUTH/LOGIN", true), InlineData("/auth/*", "/auth", false)]
    [InlineData("/v?/x", "/v1/x", true), InlineData("/v?/x", "/v/x", false), InlineData("*.css", "/a/b.CSS", true), InlineData("/a", "/ab", false)]
    public void Globs(string glob, string path, bool matches) => Assert.Equal(matches, RulePattern.Glob(glob).IsMatch(path));

    [Theory]
    [InlineData("^/api/analytics/.*", "/api/analytics/x", true), InlineData("^/api/analytics/.*", "/API/Analytics/x", true)]
    [InlineData("/summary", "/a/summary/b", true), InlineData("^/a$", "/ab", false), InlineData("^(a+)+$", "/aaaa", false)]
    public void Regexes(string regex, string path, bool matches) => Assert.Equal(matches, RulePattern.Regex(regex).IsMatch(path));

    [Theory]
    [InlineData(""), InlineData("("), InlineData("(?=x)"), InlineData(@"(a)\1")]
    public void Regexes_that_cannot_run_in_linear_time_or_at_all(string regex) => Assert.ThrowsAny<ArgumentException>(() => RulePattern.Regex(regex));

    [Fact]
    public void A_regex_over_a_thousand_characters_is_refused() => Assert.ThrowsAny<ArgumentException>(() => RulePattern.Regex(new string('a', 1001)));

    [Theory]
    [InlineData("/jobs/{id}", "/jobs/7", "ID", "7"), InlineData("/{a}/{b}", "/1/2/", "b", "2"), InlineData("/f/{**rest}", "/f/a/b", "rest", "a/b")]
    [InlineData("/f/{**rest}", "/f", "rest", ""), InlineData("/jobs/{id}", "/jobs/7", "other", null), InlineData("/jobs/{id}", "/x", "id", null)]
    public void Captures(string template, string path, string name, string? value) => Assert.Equal(value, RulePattern.Path(template).Capture(path, name));

    [Fact]
    public void Globs_and_regexes_capture_nothing()
    {
        Assert.False(RulePattern.Glob("*").Captures("a"));
        Assert.Null(RulePattern.Regex(".").Capture("/a", "a"));
        Assert.Equal("/a/{b}", RulePattern.Path("/a/{b}").ToString());
    }

    [Fact]
    public void The_first_match_wins()
    {
        var rules = new HttpCacheOptions().Never("/a/never").Cache("/a/{x}", TimeSpan.FromSeconds(1)).Cache("/{**all}", TimeSpan.FromSeconds(2), RuleScope.Public)
            .Invalidate("POST", "/{**all}", "t");
        var set = new RuleSet(rules.Rules);
        Assert.True(set.Find(new("GET", "h", "/a/never", true))!.Rule.Never);
        Assert.Equal(1, set.Find(new("GET", "h", "/a/b", true))!.Rule.Ttl!.Value.TotalSeconds);
        Assert.True(set.Find(new("get", "h", "/b", true))!.IsPublic);
        Assert.Equal(["t"], set.Find(new("post", "h", "/a/never", true))!.InvalidatedBy("/a/never", []));
        Assert.Null(set.Find(new("DELETE", "h", "/a", true)));
    }

    [Fact]
    public void What_is_not_plain_is_matched_only_by_a_ban_in_any_reading()
    {
        var set = new RuleSet(new HttpCacheOptions().Cache("/{**all}", TimeSpan.FromSeconds(1)).Never("/auth/*").Rules);
        Assert.Null(set.Find(new("GET", "h", "/a;b", isPlain: false)));
        foreach (string path in new[] { "/auth/x", "//auth/x", "/auth%2fx", "/%61uth/x", "/%2561uth/x", "/x/../auth/x", "/auth;a/x", @"\auth\x", "/./auth/x/../y" })
            Assert.True(set.Find(new("GET", "h", path, isPlain: false))?.Rule.Never, path);
    }

    [Fact]
    public void Every_fault_of_every_rule_is_told_at_once()
    {
        RulePattern any = RulePattern.Path("/{id}");
        CacheRule[] rules =
        [
            new() { Pattern = any, Ttl = TimeSpan.Zero },
            new() { Pattern = any, Ttl = TimeSpan.FromDays(366) },
            new() { Pattern = any, StaleIfError = TimeSpan.FromSeconds(-1) },
            new() { Pattern = any, StaleWhileRevalidate = TimeSpan.FromDays(366) },
            new() { Pattern = any, Never = true, Ttl = TimeSpan.FromMinutes(1) },
            new() { Pattern = any, Tags = [.. Enumerable.Range(0, 21).Select(i => $"t{i}")] },
            new() { Pattern = any, Methods = [" "] },
            new() { Pattern = any, Tags = ["{nobody}"] },
            new() { Pattern = any, Tags = ["open{"] },
            new() { Pattern = any, Tags = ["=exact"] },
            new() { Pattern = any, Invalidates = [""] },
            new() { Pattern = any, Tags = [new string('t', 257)] },
            new() { Pattern = any, Tags = ["a\nb"] },
            new() { Pattern = any, Ttl = TimeSpan.FromMinutes(1), Tags = ["id:{id}"] },
        ];
        AggregateException e = Assert.Throws<AggregateException>(() => new RuleSet(rules));
        Assert.Equal(rules.Length - 1, e.InnerExceptions.Count);
        for (int i = 0; i < rules.Length - 1; i++) Assert.StartsWith($"Rule {i + 1} (/{{id}}): ", e.InnerExceptions[i].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("job:{id}", "/7", "job:7"), InlineData("{id}", "/7", "7"), InlineData("a:{id}:b:{id}", "/7", "a:7:b:7"), InlineData("plain", "/7", "plain")]
    [InlineData("u:{id}", "/a:b", "u:a%3Ab"), InlineData("{id}", "/=x", "%3Dx"), InlineData("u:{id}", "/a%3Ab", "u:a%253Ab"), InlineData("u:{id}", "/a\nb", "u:a%0Ab")]
    public void Tags(string template, string path, string tag)
    {
        RulePattern pattern = RulePattern.Path("/{id}");
        Assert.Equal(tag, new TagTemplate(template, pattern).For(name => pattern.Capture(path, name)));
    }

    [Fact]
    public void A_long_value_becomes_a_hash_and_an_empty_tag_is_left_out()
    {
        var compiled = new CompiledRule(new() { Pattern = RulePattern.Path("/{**rest}"), Tags = ["{rest}", "x:{rest}"], Invalidates = ["{rest}"] });
        Assert.Equal(["x:"], compiled.TagsFor("/", []));
        Assert.Empty(compiled.InvalidatedBy("/", []));
        string[] tags = compiled.TagsFor("/" + new string('a', 101), []);
        Assert.All(tags, tag => Assert.InRange(tag.Length, 72, 74));
        Assert.NotEqual(tags[0], compiled.TagsFor("/" + new string('a', 102), [])[0]);
    }
}
