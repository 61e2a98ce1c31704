using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/redis.md and redis-servers.md. No server is asked: the cache that is made names a port where nobody listens.</summary>
public sealed class RedisExample
{
    [Fact]
    public void Two_lines_put_Redis_behind_a_cache()
    {
        var Console = new Lines();
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

        builder.Services.AddLarder("sessions").AddRedis(configure: redis => redis.Endpoints.Add(new RedisEndpoint("127.0.0.1", 6379)));

        builder.Services.AddHealthChecks().AddLarder(tags: "ready");

        using ServiceProvider provider = builder.Services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptionsMonitor<RedisOptions>>();
        Assert.Equal("redis://127.0.0.1:6379/0", options.Get("").ToString());
        Assert.Equal("redis://127.0.0.1:6379/0", options.Get("sessions").ToString());
        RedisOptions final = provider.GetRequiredService<IOptionsMonitor<RedisOptions>>().Get("");
        Console.WriteLine($"{RedisSecurityReport.Of(final).Level}");
        Assert.Equal("Low", Assert.Single(Console.All));
        Assert.Equal(("larder", TimeSpan.FromMilliseconds(100), RedisSecurityLevel.High), (options.Get("reports").User, options.Get("reports").Timeout, options.Get("reports").LeastSecurity));
    }

    [Fact]
    public void Several_servers()
    {
        var watched = RedisOptions.Parse("redis+sentinel://larder:secret@127.0.0.1:26379,127.0.0.2:26379/mymaster/0");
        var cluster = RedisOptions.Parse("redis://127.0.0.1:7000,127.0.0.1:7001?cluster=true");

        Assert.Equal(("mymaster", 2, false), (watched.SentinelMaster, watched.Endpoints.Count, watched.Cluster));
        Assert.Equal((null, 2, true), (cluster.SentinelMaster, cluster.Endpoints.Count, cluster.Cluster));
    }

    [Fact]
    public async Task A_cache_by_hand()
    {
        var Console = new Lines();
        string connectionString = "redis://127.0.0.1:1";
        TimeSpan patience = TimeSpan.FromMilliseconds(5);
        CancellationToken stopping = TestContext.Current.CancellationToken;
        await using var cache = new LarderCache(new LarderOptions().UseRedis(connectionString));
        if (!await cache.ConnectedAsync(patience, stopping)) Console.WriteLine($"{cache.RemoteTier!.Problem}");
        Assert.NotNull(cache.RemoteTier);
        Assert.Single(Console.All);
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
