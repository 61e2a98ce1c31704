using Larder.Cli;

namespace Larder.Tests.Cli;

/// <summary>What <c>larder purge</c> refuses before it asks anybody.</summary>
public sealed class PurgeTests
{
    [Theory]
    [InlineData("--all: it ends everything that is cached; add --yes", "--all")]
    [InlineData("--tag: A tag must not begin with '='.", "--tag", "=x")]
    [InlineData("--url: needed is an absolute http or https URL, without user and fragment", "--url", "/zones")]
    [InlineData("larder: nothing is said that should be ended; see 'larder purge --help'")]
    public async Task A_mistake_is_a_line_and_code_2(string expected, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await CommandLine.RunAsync(["purge", "--redis", "127.0.0.1:1", .. args], output, error, TestContext.Current.CancellationToken);
        Assert.Equal((2, "", expected), (code, output.ToString(), error.ToString().TrimEnd()));
    }

    [Fact]
    public async Task Where_Redis_is_is_told_first_and_its_secrets_never()
    {
        using var error = new StringWriter();
        Assert.Equal(2, await CommandLine.RunAsync(["purge", "--redis", "redis://:Ca9ary@h:0", "--all"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Matches("^--redis: Part 1 .*\n--all: ", error.ToString().ReplaceLineEndings("\n"));
        Assert.DoesNotContain("Ca9ary", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://a.example/search?q=1", true)]
    [InlineData("http://a.example/search", false)]
    public async Task Of_a_URL_with_a_query_it_says_that_rules_may_keep_it_elsewhere(string url, bool warns)
    {
        using var error = new StringWriter();
        await CommandLine.RunAsync(["purge", "--redis", "redis://127.0.0.1:1?connectTimeout=50", "--url", url], TextWriter.Null, error, TestContext.Current.CancellationToken);
        Assert.Equal(warns, error.ToString().StartsWith("larder: --url: responses of a rule with 'query'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_Redis_it_fails_and_has_ended_nothing()
    {
        using var error = new StringWriter();
        Assert.Equal(1, await CommandLine.RunAsync(["purge", "--redis", "redis://:Ca9ary@127.0.0.1:1?connectTimeout=50", "--tag", "t"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.StartsWith("larder: Redis can't be used (redis://127.0.0.1:1/0): ", error.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("; nothing was ended", error.ToString().TrimEnd(), StringComparison.Ordinal);
    }
}
