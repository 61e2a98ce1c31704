using Larder.IntegrationTests.Gateway.Forwarding;
using Larder.IntegrationTests.RedisServers;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Cli;

/// <summary>What an operator does by hand: purging what nodes share, and looking whether they do.</summary>
public sealed class PurgeRedisTests
{
    [Fact]
    public async Task What_is_purged_is_ended_on_every_node()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "Ca9ary");
        using RedisNode node = await RedisNode.StartAsync(server.Options(o => o.Password = "Ca9ary"));
        string[] keys = ["by-tag", "by-key", "by-glob:1", "by-user", "stays"];
        foreach (string key in keys) await node.GetOrMakeAsync(key, "old", new() { Ttl = TimeSpan.FromMinutes(10), Tags = key == "by-tag" ? ["zone:71:note"] : [], User = key == "by-user" ? "ann" : null });
        await node.UntilIdleAsync();
        string redis = $"redis://{server.Endpoint}?timeout=10s&connectTimeout=10s";

        (int code, string output, string error) = await Child.RunAsync(
            "env", $"REDIS_URL={redis}", "REDIS_AUTH=Ca9ary", Child.Larder, "purge", "--tag", "zone:71", "--key", "by-key", "--pattern", "by-glob:*", "--user", "ann");
        Assert.Equal((0, "", "ended: tag zone:71\nended: key by-key\nended: glob by-glob:*\nended: user ann"), (code, error, output.ReplaceLineEndings("\n").TrimEnd()));
        await LinkTests.Until(() => !keys[..4].Any(node.Cache.Exists));
        Assert.True(node.Cache.Exists("stays"));

        (code, output, error) = await Child.RunAsync(Child.Larder, "purge", "--redis", redis.Replace("redis://", "redis://:Ca9ary@", StringComparison.Ordinal), "--all", "--yes");
        Assert.Equal((0, "", "ended: all"), (code, error, output.TrimEnd()));
        await LinkTests.Until(() => !node.Cache.Exists("stays"));

        (code, output, error) = await Child.RunAsync(Child.Larder, "purge", "--redis", $"{redis}&connectTimeout=500", "--all", "--yes");
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("the server wants a password", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_URL_is_ended_in_all_its_variants()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        int made = 0;
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=600";
            if (context.Request.Path == "/varies") context.Response.Headers.Vary = "Accept-Language";
            return context.Response.WriteAsync($"{Interlocked.Increment(ref made)}");
        });
        string redis = $"redis://{server.Endpoint}?failOnConnectionError=true&timeout=10s&connectTimeout=10s";
        (Child gateway, Uri address) = await Child.ServeAsync(origin.Address, "--redis", redis);
        using (gateway)
        {
            using var client = new HttpClient { BaseAddress = address };
            foreach (string path in (string[])["/plain?b=2&a=1", "/varies"])
            {
                string first = await client.GetStringAsync(path, TestContext.Current.CancellationToken);
                Assert.Equal(first, await client.GetStringAsync(path, TestContext.Current.CancellationToken));
                Assert.Equal(0, (await Child.RunAsync(Child.Larder, "purge", "--redis", redis, "--url", new Uri(address, path).OriginalString)).Code);
                for (string now = first; now == first; await Task.Delay(10)) now = await client.GetStringAsync(path, TestContext.Current.CancellationToken);
            }
            Assert.Equal(0, await gateway.TerminateAsync());
        }
    }

    [Fact]
    public async Task Whether_Redis_is_used_is_told_as_it_is()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(_ => Task.CompletedTask);
        (Child gateway, _) = await Child.ServeAsync(origin.Address, "--redis", $"redis://127.0.0.1:{RedisServer.FreePort()}");
        using (gateway)
        {
            await gateway.SaysAsync(", Redis configured, not connected yet)", TimeSpan.FromSeconds(30));
            Assert.Equal(0, await gateway.TerminateAsync());
        }
    }

    [Fact]
    public async Task The_variables_are_checked_with_the_file()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("larder-tests-").FullName, "larder.json");
        await File.WriteAllTextAsync(file, """{"redis":"redis://h"}""", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await Child.RunAsync(Child.Larder, "config", "check", file)).Code);
        (int code, _, string error) = await Child.RunAsync("env", "REDIS_TLS_ENABLED=Ca9ary", "REDIS_ACL_USERNAME=u", Child.Larder, "config", "check", file);
        Assert.Equal((2, "REDIS_TLS_ENABLED: The value can't be used; needed is true or false.\nredis: User is given; allowed is none without Password."), (code, error.ReplaceLineEndings("\n").TrimEnd()));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }
}
