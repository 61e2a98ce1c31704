using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/redis.md. No server is asked: the cache that is made names a port where nobody listens.</summary>
public sealed class RedisExample
{
    [Fact]
    public void Two_lines_put_Redis_behind_a_cache()
    {
        var builder = new { Services = new ServiceCollection() };
        const string password = "a long password that nobody has to type";

        builder.Services.AddLarder()
            .AddRedis("redis://127.0.0.1:6379");

        builder.Services.AddLarder("reports").AddRedis("rediss://cache.internal:6380?timeout=100", redis =>
        {
            redis.User = "larder";
            redis.Password = password;
            redis.RequireProductionSecurity();
        });

        builder.Services.AddHealthChecks().AddLarder(tags: "ready");

        using ServiceProvider provider = builder.Services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptionsMonitor<RedisOptions>>();
        Assert.Equal("redis://127.0.0.1:6379/0", options.Get("").ToString());
        Assert.Equal(("larder", TimeSpan.FromMilliseconds(100), RedisSecurityLevel.High), (options.Get("reports").User, options.Get("reports").Timeout, options.Get("reports").LeastSecurity));
    }

    [Fact]
    public void A_cache_by_hand()
    {
        string connectionString = "redis://127.0.0.1:1";
        using var cache = new LarderCache(new LarderOptions().UseRedis(connectionString));
        Assert.NotNull(cache.RemoteTier);
    }

    [Fact]
    public void A_report_and_encryption()
    {
        var Console = new Lines();
        var options = RedisOptions.Parse("localhost");
        byte[] key = new byte[32];

        options.Encryption.Keys.Add(new RedisEncryptionKey("2030-06", key));
        RedisSecurityReport report = RedisSecurityReport.Of(options);
        Console.WriteLine($"{report}");

        Assert.StartsWith("security level LOW", Assert.Single(Console.All), StringComparison.Ordinal);
    }
}
