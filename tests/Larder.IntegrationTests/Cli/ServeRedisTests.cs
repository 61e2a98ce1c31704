using Larder.IntegrationTests.Gateway.Forwarding;
using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.Cli;

/// <summary>The built tool with a Redis: by its flag, by the environment, and with mistakes.</summary>
public sealed class ServeRedisTests
{
    private const string Origin = "http://127.0.0.1:9";

    [Fact]
    public async Task The_flag_and_the_variable_put_a_Redis_behind_it()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "Ca9ary");
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(_ => Task.CompletedTask);
        string redis = $"redis://{server.Endpoint}?failOnConnectionError=true&timeout=10s&connectTimeout=10s";
        (Child byFlag, _) = await Child.ServeAsync(origin.Address, "--redis", redis.Replace("redis://", "redis://:Ca9ary@", StringComparison.Ordinal));
        using (byFlag) await IsSharedAsync(byFlag);

        // The password by another variable than the server.
        var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
        using Child byVariable = Child.Start("env", $"REDIS_URL={redis}", "REDIS_AUTH=Ca9ary", Child.Larder, "serve", "--origin", origin.Address.OriginalString, "--urls", address.OriginalString);
        await byVariable.AnswersAsync(new(address, "/healthz"));
        await IsSharedAsync(byVariable);

        static async Task IsSharedAsync(Child gateway)
        {
            Assert.Equal(0, await gateway.TerminateAsync());
            Assert.Contains(", shared through Redis)", gateway.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("Ca9ary", gateway.Output + gateway.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_wrong_is_told_without_secrets()
    {
        (int code, _, string error) = await Child.RunAsync(Child.Larder, "serve", "--origin", Origin, "--redis", "redis://:Ca9ary@");
        Assert.Equal((2, true), (code, error.Contains("--redis", StringComparison.Ordinal)));
        Assert.DoesNotContain("Ca9ary", error, StringComparison.Ordinal);

        (code, _, error) = await Child.RunAsync("env", "REDIS_URL=Ca9ary=1", Child.Larder, "serve", "--origin", Origin);
        Assert.Equal((2, true), (code, error.Contains("REDIS_URL", StringComparison.Ordinal)));
        Assert.DoesNotContain("Ca9ary", error, StringComparison.Ordinal);

        (code, _, error) = await Child.RunAsync("env", "REDIS_ENCRYPTION_KEY=Ca9ary", Child.Larder, "serve", "--origin", Origin, "--redis", "127.0.0.1:1");
        Assert.Equal((2, true), (code, error.Contains("REDIS_ENCRYPTION_KEY", StringComparison.Ordinal)));
        Assert.DoesNotContain("Ca9ary", error, StringComparison.Ordinal);

        (code, _, error) = await Child.RunAsync(
            Child.Larder, "serve", "--origin", Origin, "--urls", $"http://127.0.0.1:{Child.FreePort()}", "--redis", "redis://:Ca9ary@127.0.0.1:1?failOnConnectionError=true&connectTimeout=50");
        Assert.Equal((1, true), (code, error.Contains("Redis can't be used (redis://127.0.0.1:1/0)", StringComparison.Ordinal)));
        Assert.DoesNotContain("Ca9ary", error, StringComparison.Ordinal);
    }
}
