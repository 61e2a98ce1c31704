using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Tests.Gateway.Configuration;

/// <summary>The Redis that gateways share, as the document and the flag say it.</summary>
public sealed class RedisTests
{
    private const string Canary = "Ca9ary";

    [Theory]
    [InlineData("""{"origin":"http://a","redis":"redis://:Ca9ary@h:1/2"}""", "larder.json")]
    [InlineData("origin: http://a\nredis: redis://:Ca9ary@h:1/2\n", "larder.yaml")]
    public void Both_languages_say_it_and_the_flag_wins(string text, string file)
    {
        Assert.Equal("redis://:Ca9ary@h:1/2", ConfigFile.Parse(text, file).Options!.Redis);
        Assert.Equal("h:3", GatewayConfiguration.Read(null, "", new(Origin: "http://a", Redis: "h:3")).Options!.Redis);
        Assert.Null(GatewayConfiguration.Read(null, "", new(Origin: "http://a")).Options!.Redis);
    }

    [Theory]
    [InlineData("redis://:Ca9ary@")]
    [InlineData("h,Ca9ary=1")]
    [InlineData("h,db=Ca9ary")]
    [InlineData("h,user=Ca9ary")]
    [InlineData("Ca9ary Ca9ary")]
    [InlineData("")]
    public void What_is_none_is_told_at_its_place_and_without_its_text(string connection)
    {
        foreach ((string text, string file) in new[] { ($$"""{"redis":"{{connection}}"}""", "larder.json"), ($"redis: \"{connection}\"\n", "larder.yaml") })
        {
            string problem = Assert.Single(Documents.Messages(text, file));
            Assert.StartsWith("redis: ", problem, StringComparison.Ordinal);
            Assert.DoesNotContain(Canary, problem, StringComparison.Ordinal);
        }
        if (connection.Length == 0) return;
        string ofFlag = Assert.Single(GatewayConfiguration.Read(null, "", new(Origin: "http://a", Redis: connection)).Problems).ToString();
        Assert.Contains("--redis", ofFlag, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, ofFlag, StringComparison.Ordinal);
    }

    [Fact]
    public void Neither_options_nor_flags_show_a_password_when_they_are_written_out()
    {
        const string Secret = "redis://:Ca9ary@127.0.0.1:6379";
        var options = new GatewayOptions { Origin = new("http://a.example"), Redis = Secret };
        Assert.Equal("GatewayOptions { Origin = http://a.example, Origins = 0, Urls = http://127.0.0.1:8080, Rules = 0, Redis = given }", options.ToString());
        Assert.DoesNotContain("Ca9ary", new ConfigurationFlags("http://u:Ca9ary@b.example", Redis: Secret).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_but_text()
    {
        Assert.StartsWith("redis: 5 is not allowed; a connection string", Assert.Single(Documents.Messages("""{"redis":5}""")), StringComparison.Ordinal);
        // Whoever writes an object is shown where its settings go.
        Assert.Contains("?prefix=shop:&timeout=100ms", Assert.Single(Documents.Messages("""{"redis":{"url":"redis://h","prefix":"shop:"}}""")), StringComparison.Ordinal);
    }
}
