using Larder.AspNetCore;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;
using Larder.Redis;

namespace Larder.Tests.Gateway.Configuration;

public sealed class GatewayConfigurationTests
{
    [Fact]
    public void An_origin_alone_is_enough()
    {
        GatewayOptions options = Read("""{"origin":"http://127.0.0.1:8081/base"}""");

        Assert.Equal(new("http://127.0.0.1:8081/base"), options.Origin);
        Assert.Equal([GatewayOptions.DefaultUrl], options.Urls);
        Assert.Equal((100_000, 100L << 20, 64L << 20), (options.MaxEntries, options.MaxBytes, options.MaxBodyBytes));
        Assert.Equal((5, 60, 60), (options.ConnectTimeout.TotalSeconds, options.ResponseTimeout.TotalSeconds, options.IdleTimeout.TotalSeconds));
        Assert.Equal((TimeSpan.FromHours(1), "Authorization"), (options.KeepStale, options.PrivateUserHeader));
        Assert.Empty(options.Rules);
    }

    [Fact]
    public void Everything_can_be_said()
    {
        GatewayOptions options = Read("""
            {
              "origin": "https://api.example", "urls": ["http://127.0.0.1:1", "http://[::1]:2/", "http://*:3", "http://localhost"],
              "memory": { "entries": 5, "megabytes": 6 }, "body": { "megabytes": 7 }, "keepStale": 8.5, "cacheErrors": true,
              "timeouts": { "connect": 0.5, "response": 10, "idle": 11 }, "privateUserHeader": "X-Api-Key",
              "rules": [
                { "path": "/jobs/{id}", "methods": ["get", "Report"], "ttl": 12, "scope": "private", "tags": ["job:{id}"],
                  "invalidates": "jobs", "staleIfError": 0, "staleWhileRevalidate": 13 },
                { "glob": "/x/*", "never": true },
                { "regex": "^/y", "scope": "public" }
              ]
            }
            """);

        Assert.Equal(["http://127.0.0.1:1", "http://[::1]:2/", "http://*:3", "http://localhost"], options.Urls);
        Assert.Equal((5, 6L << 20, 7L << 20), (options.MaxEntries, options.MaxBytes, options.MaxBodyBytes));
        Assert.Equal((0.5, 10, 11, 8.5), (options.ConnectTimeout.TotalSeconds, options.ResponseTimeout.TotalSeconds, options.IdleTimeout.TotalSeconds, options.KeepStale.TotalSeconds));
        Assert.True(options.CacheErrors);
        Assert.Equal("X-Api-Key", options.PrivateUserHeader);
        CacheRule jobs = options.Rules[0];
        Assert.Equal(("/jobs/{id}", RuleScope.Private, false), (jobs.Pattern.Text, jobs.Scope, jobs.Never));
        Assert.Equal(["GET", "Report"], jobs.Methods);
        Assert.Equal((12, 0, 13), (jobs.Ttl?.TotalSeconds, jobs.StaleIfError?.TotalSeconds, jobs.StaleWhileRevalidate?.TotalSeconds));
        Assert.Equal(["job:{id}"], jobs.Tags);
        Assert.Equal(["jobs"], jobs.Invalidates);
        Assert.True(options.Rules[1].Never);
        Assert.Equal((RuleScope.Public, null), (options.Rules[2].Scope, options.Rules[2].Ttl));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080"), InlineData("http://localhost:8080/", "http://127.0.0.1:8080")]
    [InlineData("http://127.0.0.1:8080", "http://*:8080"), InlineData("http://[::1]:8080", "http://localhost:8080"), InlineData("http://127.0.0.1", "http://0.0.0.0")]
    public void An_origin_that_is_the_gateway_itself_is_a_mistake(string origin, string url)
    {
        var result = ConfigFile.Parse($$"""{"origin":"{{origin}}","urls":"{{url}}"}""", "a.json");
        Assert.Null(result.Options);
        Assert.Contains("is where larder itself listens", Assert.Single(result.Problems).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8081", "http://127.0.0.1:8080"), InlineData("http://api.example:8080", "http://*:8080"), InlineData("http://127.0.0.1:8080", "http://10.0.0.1:8080")]
    public void Another_origin_is_none(string origin, string url) =>
        Assert.NotNull(ConfigFile.Parse($$"""{"origin":"{{origin}}","urls":"{{url}}"}""", "a.json").Options);

    [Fact]
    public void Flags_win_over_the_document()
    {
        var result = ConfigFile.Parse("""{"origin":"http://a","urls":"http://b:1"}""", "a.json", new("http://c", "http://d:1; http://e:2"));

        Assert.Equal("http://c/", result.Options!.Origin!.AbsoluteUri);
        Assert.Equal(["http://d:1", "http://e:2"], result.Options.Urls);
    }

    [Fact]
    public void Without_an_origin_there_are_no_options_and_no_mistake()
    {
        var result = ConfigFile.Parse("""{"rules":[{"path":"/a"},{"path":"/b"}]}""", "a.json");

        Assert.Equal((null, 2, 0), (result.Options, result.RuleCount, result.Problems.Count));
        Assert.Null(GatewayConfiguration.Read(null, "").Options);
        Assert.NotNull(GatewayConfiguration.Read(null, "", new("http://a")).Options);
    }

    [Theory]
    [InlineData("http://*:1", true)]
    [InlineData("http://+:1", true)]
    [InlineData("http://0.0.0.0:1", true)]
    [InlineData("http://[::]:1", true)]
    [InlineData("http://some-name:1", true)]
    [InlineData("http://127.0.0.1:1", false)]
    [InlineData("http://[::1]", false)]
    [InlineData("http://LocalHost:1", false)]
    [InlineData("http://192.0.2.1:1", false)]
    [InlineData("nonsense", false)]
    public void Which_addresses_are_all_interfaces(string url, bool expected) => Assert.Equal(expected, ListenUrl.IsEverywhere(url));

    [Theory]
    [InlineData("ttl", "ttl", 0)]
    [InlineData("TTL", "ttl", 0)]
    [InlineData("tll", "ttl", 1)]
    [InlineData("tt", "ttl", 1)]
    [InlineData("glbo", "glob", 2)]
    [InlineData("", "ab", 2)]
    [InlineData("abcd", "efgh", 4)]
    [InlineData("a", "abcd", int.MaxValue)]
    public void Edits_are_counted(string a, string b, int expected) => Assert.Equal((expected, expected), (Spelling.Distance(a, b), Spelling.Distance(b, a)));

    [Fact]
    public void The_nearest_name_is_meant_and_none_that_would_be_all_new()
    {
        Assert.Equal("path", Spelling.Nearest("pth", ["patch", "path"]));
        Assert.Null(Spelling.Nearest("xy", ["ab"]));
    }

    [Fact]
    public void An_entry_has_room_for_the_largest_body_and_its_head() =>
        Assert.True(ConfigLimits.EntryBytesFor(ConfigLimits.BodyMegabytes << 20) > ConfigLimits.BodyMegabytes << 20);

    private static GatewayOptions Read(string json)
    {
        var result = ConfigFile.Parse(json, "larder.json");
        Assert.Empty(result.Problems);
        return result.Options!;
    }
}
