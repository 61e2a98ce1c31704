using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http.Esi;

public sealed class PageRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("content=\"ESI/1.0\"", true), InlineData("max-age=30, content=\"ESI/1.0\"", true), InlineData("CONTENT=\"esi/1.0\"", true), InlineData("content=\"ESI-Inline/1.0 ESI/1.0\"", true)]
    [InlineData("content=\"ESI/1.1\"", false), InlineData("content=\"\"", false), InlineData("content", false), InlineData("x=\"content=ESI/1.0\"", false), InlineData("content=\"ESI/1.0\";other", false), InlineData("", false)]
    public void Surrogate_control_asks_for_ESI_only_in_so_many_words(string value, bool asks) => Assert.Equal(asks, Surrogate.AsksForEsi(value));

    [Theory]
    [InlineData("private, max-age=30", "max-age=60", "max-age=30")]
    [InlineData("private, max-age=60, must-revalidate", "max-age=60", "public, must-revalidate, max-age=100")]
    [InlineData("no-store", "max-age=60", "no-store")]
    [InlineData("private, no-cache", "max-age=60", "no-cache, max-age=60")]
    [InlineData("private, no-cache", "max-age=60", "private")]
    [InlineData("private, no-cache", "max-age=60", "")]
    [InlineData("private, no-cache", "max-age=60", "s-maxage=60")]
    [InlineData("private, no-cache", "max-age=60", "max-age=0")]
    [InlineData("private, max-age=60", "max-age=60", "private, max-age=60")]
    public void A_page_is_kept_as_long_as_its_strictest_part(string page, params string[] parts)
    {
        var freshness = new PageFreshness();
        foreach (string part in parts) freshness.Add(new HeaderDictionary { ["Cache-Control"] = part }, Now);
        Assert.Equal(page, freshness.ToCacheControl());
    }

    [Fact]
    public void Age_counts_and_what_varies_or_sets_cookies_is_asked_for_again()
    {
        Assert.Equal("private, max-age=40", Of(("Cache-Control", "max-age=60"), ("Age", "20")));
        Assert.Equal("private, max-age=60", Of(("Expires", "Sun, 01 Mar 2026 12:01:00 GMT"), ("Vary", "Accept-Encoding")));
        Assert.Equal("private, no-cache", Of(("Cache-Control", "max-age=60"), ("Age", "70")));
        Assert.Equal("private, no-cache", Of(("Cache-Control", "max-age=60"), ("Vary", "Cookie")));
        Assert.Equal("private, no-cache", Of(("Cache-Control", "max-age=60"), ("Vary", "*")));
        Assert.Equal("private, no-cache", Of(("Cache-Control", "max-age=60"), ("Set-Cookie", "a=b")));

        static string Of(params (string Name, string Value)[] headers)
        {
            var part = new HeaderDictionary();
            foreach ((string name, string value) in headers) part[name] = value;
            var freshness = new PageFreshness();
            freshness.Add(part, Now);
            return freshness.ToCacheControl();
        }
    }

    [Theory]
    [InlineData("max-age=60", "no-store"), InlineData("", "no-store"), InlineData("no-store", "no-store"), InlineData("no-store, private, no-cache", "no-store"), InlineData("private, max-age=60", "no-store")]
    [InlineData("private, no-cache", "private, no-cache"), InlineData("private, max-age=0", "private, no-cache"), InlineData("no-cache", "no-store")]
    public void While_fragments_are_to_come_nothing_is_kept_unless_the_template_is_asked_for_each_time(string template, string page) =>
        Assert.Equal(page, PageFreshness.BeforeFragments(template));

    [Fact]
    public void What_becomes_of_a_response_depends_on_its_opting_in_its_encoding_and_its_type()
    {
        var on = new EsiOptions { Enabled = true };
        const string Asks = "content=\"ESI/1.0\"";
        Assert.Equal(EsiDecision.Assemble, Decide(on, false, 200, "text/html; charset=utf-8", Asks));
        Assert.Equal(EsiDecision.Assemble, Decide(on, false, 404, "TEXT/HTML", Asks));
        Assert.Equal(EsiDecision.Assemble, Decide(on, false, 200, "text/html", Asks, "identity"));
        Assert.Equal(EsiDecision.Pass, Decide(on, false, 200, "text/html", null));
        Assert.Equal(EsiDecision.Pass, Decide(new(), false, 200, "text/html", Asks));
        Assert.Equal(EsiDecision.Assemble, Decide(new(), true, 200, "text/html", null));
        Assert.Equal(EsiDecision.Encoded, Decide(on, false, 200, "text/html", Asks, "gzip"));
        Assert.Equal(EsiDecision.OtherType, Decide(on, false, 200, "image/png", Asks));
        Assert.Equal(EsiDecision.OtherType, Decide(on, false, 200, null, Asks));
        Assert.Equal(EsiDecision.Pass, Decide(on, false, 204, null, Asks));
        foreach (int status in new[] { 304, 206, 416 }) Assert.Equal(EsiDecision.AskAgain, Decide(on, false, status, null, Asks));
        Assert.Equal(EsiDecision.Pass, Decide(on, false, 304, null, null));

        static EsiDecision Decide(EsiOptions options, bool isNamed, int status, string? type, string? control, string? encoding = null)
        {
            var headers = new HeaderDictionary();
            if (type is not null) headers["Content-Type"] = type;
            if (control is not null) headers[Surrogate.Control] = control;
            if (encoding is not null) headers["Content-Encoding"] = encoding;
            return EsiDecider.Decide(status, headers, options, isNamed);
        }
    }

    [Fact]
    public void Options_that_cannot_work_are_refused_all_at_once()
    {
        var options = new EsiOptions { MaxIncludes = 0, MaxPageBytes = 0, ContentTypes = { "html" }, AllowedHosts = { "http://cdn.example" } };
        Assert.Equal(4, options.Problems().Count());
        Assert.Empty(new EsiOptions { AllowedHosts = { "cdn.example", "cdn.example:8443", "[::1]:80" } }.Problems());
    }

    [Fact]
    public void A_URL_is_a_template_until_it_was_none()
    {
        var memory = new TemplateMemory();
        Assert.False(memory.Knows(4097));
        memory.Note(4097, isTemplate: true);
        Assert.True(memory.Knows(4097));
        memory.Note(1, isTemplate: false);
        Assert.True(memory.Knows(4097) && !memory.Knows(1));
        memory.Note(4097, isTemplate: false);
        Assert.False(memory.Knows(4097));
    }

    [Fact]
    public void A_page_may_ask_for_so_many_fragments_and_nest_so_deep()
    {
        var level = new EsiLevel(0, new(2));
        Assert.Equal((4, 1, 1), (level.Ahead, level.Next().Ahead, level.Next().Depth));
        Assert.Equal([true, true, false, false], new[] { level.Totals.TryTake(), level.Next().Totals.TryTake(), level.Totals.TryTake(), level.Totals.TryTake() });
    }
}
