using Larder.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Larder.Tests.RedisClient;

/// <summary>What options a cache's tier is given: code, environment and configuration. No server is asked.</summary>
public sealed class AddRedisTests
{
    private const string Canary = "Ca9ary";
    private static readonly string Key = Convert.ToBase64String(new byte[32]);

    private static ServiceProvider Provider(Action<IServiceCollection> add, params (string Name, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => new KeyValuePair<string, string?>(s.Name, s.Value))).Build());
        add(services);
        return services.BuildServiceProvider();
    }

    private static RedisOptions Options(Action<IServiceCollection> add, string name = "", params (string Name, string Value)[] settings)
    {
        using ServiceProvider provider = Provider(add, settings);
        return provider.GetRequiredService<IOptionsMonitor<RedisOptions>>().Get(name);
    }

    private static RedisOptions OfSettings(params (string Name, string Value)[] settings) => Options(services => services.AddLarder().AddRedis(), "", settings);

    [Fact]
    public void The_string_and_then_what_it_can_t_say()
    {
        RedisOptions options = Options(services => services.AddLarder().AddRedis("redis://one:1?timeout=7", redis => (redis.MaxInFlight, redis.ClientName) = (9, $"after {redis.Timeout.TotalMilliseconds}".Replace(' ', '-'))));
        Assert.Equal(("one", 9, "after-7"), (Assert.Single(options.Endpoints).Host, options.MaxInFlight, options.ClientName));
        Assert.Throws<FormatException>(() => new ServiceCollection().AddLarder().AddRedis("redis://"));
    }

    [Fact]
    public void The_configuration_as_a_string_and_as_fields()
    {
        Assert.Equal("redis://one:1/2", OfSettings(("Larder:Redis", "redis://one:1/2")).ToString());
        RedisOptions fields = OfSettings(("Larder:Redis:ConnectionString", "one:1,timeout=7"), ("Larder:Redis:Timeout", "8ms"), ("Larder:Redis:prefix", "shop:"), ("Larder:Redis:ssl", "true"));
        Assert.Equal(("rediss://one:1/0", TimeSpan.FromMilliseconds(8), "shop:"), (fields.ToString(), fields.Timeout, fields.PrefixFor("")));
    }

    [Fact]
    public void Every_variable_of_the_environment()
    {
        (string, string) url = ("REDIS_URL", "redis://one:1");
        Assert.Equal("redis://one:1/0", OfSettings(url).ToString());
        Assert.Equal("p", OfSettings(url, ("REDIS_AUTH", "p")).Password);
        RedisOptions user = OfSettings(url, ("REDIS_ACL_USERNAME", "u"), ("REDIS_ACL_PASSWORD", "q"));
        Assert.Equal(("u", "q"), (user.User, user.Password));
        Assert.NotNull(OfSettings(url, ("REDIS_TLS_ENABLED", "true")).Tls);
        // Files have to be there, whatever is in them.
        string[] files = [typeof(AddRedisTests).Assembly.Location, typeof(RedisOptions).Assembly.Location, typeof(LarderCache).Assembly.Location];
        RedisTlsOptions tls = OfSettings(url, ("REDIS_TLS_CERT_PATH", files[0]), ("REDIS_TLS_KEY_PATH", files[1]), ("REDIS_TLS_CA_PATH", files[2]), ("REDIS_VERIFY_CERTIFICATES", "false")).Tls!;
        Assert.Equal((files[0], files[1], files[2], true), (tls.ClientCertificateFile, tls.ClientKeyFile, tls.TrustedRootsFile, tls.DangerouslyAcceptAnyCertificate));
        Assert.False(OfSettings(url, ("REDIS_TLS_ENABLED", "true"), ("REDIS_VERIFY_CERTIFICATES", "true")).Tls!.DangerouslyAcceptAnyCertificate);
        string[] names = [.. new[] { new byte[32], [.. Enumerable.Repeat((byte)1, 32)] }.Select(key => Assert.Single(OfSettings(url, ("REDIS_ENCRYPTION_KEY", Convert.ToBase64String(key))).Encryption.Keys).Id)];
        Assert.NotEqual(names[0], names[1]);
        Assert.DoesNotContain(Key[..8], names[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_configuration_wins_over_the_environment_and_that_over_the_code()
    {
        static void Add(IServiceCollection services) => services.AddLarder().AddRedis("redis://code:1?db=1", redis => redis.Timeout = TimeSpan.FromMilliseconds(1));
        Assert.Equal(("redis://code:1/1", 1), (Options(Add).ToString(), Options(Add).Timeout.TotalMilliseconds));
        (string, string) url = ("REDIS_URL", "redis://variable:1?timeout=2");
        Assert.Equal(("redis://variable:1/1", 2), (Options(Add, "", url).ToString(), Options(Add, "", url).Timeout.TotalMilliseconds));
        (string, string) section = ("Larder:Redis:ConnectionString", "redis://section:1?timeout=3");
        Assert.Equal(("redis://section:1/1", 3), (Options(Add, "", url, section).ToString(), Options(Add, "", url, section).Timeout.TotalMilliseconds));
        Assert.Equal(4, Options(Add, "", url, section, ("Larder:Redis:timeout", "4")).Timeout.TotalMilliseconds);
    }

    [Fact]
    public void A_named_cache_has_a_section_and_a_prefix_of_its_own_and_no_variables()
    {
        static void Add(IServiceCollection services)
        {
            services.AddLarder().AddRedis("redis://first:1");
            services.AddLarder("second").AddRedis("redis://code:1");
        }

        (string, string)[] settings = [("REDIS_URL", "redis://variable:1"), ("REDIS_AUTH", "p"), ("Larder:second:Redis:db", "5")];
        RedisOptions second = Options(Add, "second", settings);
        Assert.Equal(("redis://code:1/5", null, "larder:second:"), (second.ToString(), second.Password, second.PrefixFor("second")));
        RedisOptions first = Options(Add, "", settings);
        Assert.Equal(("redis://variable:1/0", "p", "larder:"), (first.ToString(), first.Password, first.PrefixFor("")));
    }

    [Theory]
    [InlineData("Redis")]
    [InlineData("redis")]
    public void A_cache_can_t_have_the_name_of_its_section(string name) => Assert.Throws<ArgumentException>(() => new ServiceCollection().AddLarder(name));

    [Fact]
    public void Everything_that_is_wrong_is_told_when_the_program_starts_and_none_of_it_with_its_value()
    {
        using ServiceProvider provider = Provider(services => services.AddLarder().AddRedis(),
            ("REDIS_URL", $"redis://:{Canary}@"), ("REDIS_TLS_ENABLED", Canary), ("REDIS_VERIFY_CERTIFICATES", Canary), ("REDIS_ENCRYPTION_KEY", Canary),
            ("Larder:Redis:timeout", Canary), ("Larder:Redis:nobody", Canary), ("Larder:Redis:db", "99999999"));
        var failure = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate());
        string[] places = ["REDIS_URL: ", "REDIS_TLS_ENABLED: ", "REDIS_VERIFY_CERTIFICATES: ", "REDIS_ENCRYPTION_KEY: ", "Larder:Redis:timeout: ", "Larder:Redis:nobody: ", "Endpoints is ", "Database is "];
        Assert.All(places, place => Assert.Contains(failure.Failures, problem => problem.StartsWith(place, StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(places.Length, failure.Failures.Count());
        Assert.DoesNotContain(Canary, failure.ToString(), StringComparison.Ordinal);
        // What has a place of its own is no connection string.
        Assert.All(failure.Failures.Where(problem => !problem.StartsWith("REDIS_URL", StringComparison.Ordinal)), problem => Assert.DoesNotContain("connection string", problem, StringComparison.Ordinal));
        // The control: with what is right it starts.
        using ServiceProvider right = Provider(services => services.AddLarder().AddRedis(), ("REDIS_URL", $"redis://:{Canary}@h"));
        right.GetRequiredService<IStartupValidator>().Validate();
    }

    [Fact]
    public void A_file_that_is_missing_is_told_when_the_program_starts_with_its_option()
    {
        using ServiceProvider provider = Provider(services => services.AddLarder().AddRedis("rediss://h?caFile=/none/ca.pem"));
        string problem = Assert.Single(Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Failures);
        Assert.StartsWith("Tls.TrustedRootsFile (caFile) is '/none/ca.pem'; there is no such file", problem, StringComparison.Ordinal);
        Assert.Contains("certFile", Assert.Throws<ArgumentException>(() => new LarderCache(new LarderOptions().UseRedis("h,certFile=/none/c.pem"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_known_which_variables_something_comes_from()
    {
        Assert.Equal(["REDIS_URL", "REDIS_AUTH"], OfSettings(("REDIS_URL", "h"), ("REDIS_AUTH", "p"), ("Larder:Redis:db", "1")).Variables);
        Assert.Empty(Options(services => services.AddLarder("other").AddRedis("h"), "other", ("REDIS_AUTH", "p")).Variables);
    }

    [Fact]
    public void By_hand_options_are_checked_when_the_cache_is_made()
    {
        Assert.Throws<FormatException>(() => new LarderOptions().UseRedis($"nobody={Canary}"));
        LarderOptions options = new LarderOptions().UseRedis(new RedisOptions());
        Assert.Contains("Endpoints", Assert.Throws<ArgumentException>(() => new LarderCache(options)).Message, StringComparison.Ordinal);
        using var alone = new LarderCache();
        Assert.Null(alone.RemoteTier);
        using var cache = new LarderCache(new LarderOptions().UseRedis("127.0.0.1:1"));
        Assert.Equal(RemoteTierState.Away, cache.RemoteTier!.State);
    }
}
