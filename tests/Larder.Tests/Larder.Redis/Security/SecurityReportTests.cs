using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class SecurityReportTests
{
    private const string Long = "a-long-password-of-a-machine";

    private static RedisOptions Options(string? password = null, string? user = null, RedisTlsOptions? tls = null)
    {
        var options = new RedisOptions { Password = password, User = user, Tls = tls };
        options.Endpoints.Add(new RedisEndpoint("cache.example"));
        return options;
    }

    public static TheoryData<string?, bool, bool, RedisSecurityLevel> Levels => new()
    {
        { null, false, false, RedisSecurityLevel.Low },
        { null, true, true, RedisSecurityLevel.Low },
        { Long, false, false, RedisSecurityLevel.Medium },
        { Long, true, false, RedisSecurityLevel.Medium },
        { Long, true, true, RedisSecurityLevel.High },
    };

    [Theory]
    [MemberData(nameof(Levels))]
    public void The_level_is_that_of_the_weakest_part(string? password, bool tls, bool isChecked, RedisSecurityLevel level)
    {
        RedisSecurityReport report = RedisSecurityReport.Of(Options(password, tls: tls ? new() { DangerouslyAcceptAnyCertificate = !isChecked } : null));
        Assert.Equal(level, report.Level);
        Assert.Equal(level != RedisSecurityLevel.High, report.Findings.Any(finding => finding.CostsLevel));
        Assert.StartsWith("security level " + level.ToString().ToUpperInvariant(), report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_found_where_everything_is_done_and_no_secret_is_told()
    {
        RedisOptions options = Options(Long, "larder", new() { ClientCertificateFile = "client.pem" });
        options.Encryption.Keys.Add(new("k1", new byte[32]));
        Assert.Empty(RedisSecurityReport.Of(options).Findings);
        string told = RedisSecurityReport.Of(Options("canary")).ToString();
        Assert.Contains("fewer than 16", told, StringComparison.Ordinal);
        Assert.Contains("default user", told, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_below_the_least_level_are_refused_with_what_to_do()
    {
        RedisOptions options = Options(Long);
        options.LeastSecurity = RedisSecurityLevel.High;
        string why = new RedisOptionsValidator().Validate(null, options).FailureMessage!;
        Assert.Contains("Security is Medium, and LeastSecurity is High.", why, StringComparison.Ordinal);
        Assert.Contains("rediss://", why, StringComparison.Ordinal);
        options.Tls = new();
        Assert.True(new RedisOptionsValidator().Validate(null, options).Succeeded);
        options.LeastSecurity = (RedisSecurityLevel)9;
        Assert.True(new RedisOptionsValidator().Validate(null, options).Failed);
    }

    [Fact]
    public void A_user_without_a_password_is_an_error() =>
        Assert.Contains("User is given; allowed is none without Password", new RedisOptionsValidator().Validate(null, Options(user: "larder")).FailureMessage, StringComparison.Ordinal);
}
