using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class RedisOptionsTests
{
    [Fact]
    public void Every_field_that_is_wrong_is_named_at_once()
    {
        var options = new RedisOptions
        {
            User = "", Password = "\ud800", ClientName = "a b", Database = -1, Timeout = TimeSpan.Zero, ConnectTimeout = TimeSpan.Zero, LongestBackoff = TimeSpan.Zero, Heartbeat = TimeSpan.Zero,
            Silence = TimeSpan.FromMinutes(2), MaxInFlight = 0, MaxUnsentBytes = 0, MaxReplyBytes = 0, MaxEntryBytes = 0,
            Breaker = { FailuresInRow = 0, FailureShare = double.NaN, WindowFailures = 0, Window = TimeSpan.Zero, OpenFor = TimeSpan.Zero },
            Tls = new() { PinnedCertificate = "12", ClientKeyFile = "key" },
        };
        var validator = new RedisOptionsValidator();
        string[] problems = [.. validator.Validate("second", options).Failures!];
        Assert.All(problems, problem => Assert.StartsWith("Redis 'second': ", problem, StringComparison.Ordinal));
        string[] fields =
        [
            "Endpoints", "User", "Password", "ClientName", "Database", "Timeout", "ConnectTimeout", "LongestBackoff", "Heartbeat", "Silence", "MaxInFlight", "MaxUnsentBytes", "MaxReplyBytes", "MaxEntryBytes",
            "Breaker.FailuresInRow", "Breaker.FailureShare", "Breaker.WindowFailures", "Breaker.Window", "Breaker.OpenFor", "Tls.PinnedCertificate", "Tls.ClientKeyFile", "Tls.ClientKeyFile (keyFile)",
        ];
        Assert.Equal(fields.Length, problems.Length);
        Assert.All(fields, field => Assert.Contains(problems, problem => problem.Contains($": {field} is ", StringComparison.Ordinal)));
        Assert.Contains("Redis 'second': Database is -1; allowed is 0 to 65,535.", problems);
    }

    [Fact]
    public void Sentinels_and_clusters_exclude_each_other_and_what_they_can_not_have()
    {
        Assert.Equal(
        [
            "SentinelMaster is given; allowed is 1 to 128 letters, digits and . - _.", "SentinelUser is given; allowed is 1 to 1,024 characters of text.",
            "SentinelUser is given; allowed is none without SentinelPassword.", "Cluster is on; allowed is none with SentinelMaster.", "Cluster is on; allowed is only Database 0 with it.",
        ], Failures(o => (o.SentinelMaster, o.SentinelUser, o.Cluster, o.Database) = ("a b", "", true, 1)));
        Assert.Equal(["SentinelPassword is given; allowed is none without SentinelMaster."], Failures(o => o.SentinelPassword = "p"));
        Assert.Equal(["SentinelPassword is given; allowed is 1 to 4,096 characters of text."], Failures(o => (o.SentinelMaster, o.SentinelPassword) = ("m", "")));
        Assert.Empty(Failures(o => o.Cluster = true));
        Assert.Empty(Failures(o => (o.SentinelMaster, o.SentinelUser, o.SentinelPassword, o.Database) = ("m", "u", "p", 3)));

        static IEnumerable<string> Failures(Action<RedisOptions> change)
        {
            RedisOptions options = RedisOptions.Parse("h");
            change(options);
            return new RedisOptionsValidator().Validate(null, options).Failures ?? [];
        }
    }

    [Fact]
    public void What_is_read_from_a_plain_string_can_work()
    {
        Assert.True(new RedisOptionsValidator().Validate(null, RedisOptions.Parse("rediss://u:p@h:1/2?timeout=50")).Succeeded);
        Assert.Equal(["User is given; allowed is none without Password."], new RedisOptionsValidator().Validate(null, RedisOptions.Parse("h,user=u")).Failures!);
        Assert.Contains("Tls.ServerName", Assert.Single(new RedisOptionsValidator().Validate(null, RedisOptions.Parse("/s.sock,ssl=true")).Failures!), StringComparison.Ordinal);
        var bad = RedisOptions.Parse("h");
        bad.Endpoints.Add(new("b d", 1));
        bad.Endpoints.Add(new("/s", 1));
        bad.Endpoints.Add(new("h", 0));
        Assert.Equal(3, new RedisOptionsValidator().Validate(null, bad).Failures!.Count());
    }
}
