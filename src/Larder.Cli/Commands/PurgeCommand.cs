using System.CommandLine;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Cli.Commands;

/// <summary><c>larder purge</c>: ends what several nodes have cached, by hand, through the Redis that they share.</summary>
internal sealed class PurgeCommand : ExampleCommand
{
    private readonly Option<string> _redis = new("--redis") { Description = $"The Redis that the nodes share, with their prefix [default: the variable {RedisConfiguration.Url}]", HelpName = "URL" };
    private readonly PurgeSelection _selection = new();

    public PurgeCommand() : base("purge", "End what nodes have cached that share a Redis: every node that is alive, and what is in Redis.",
    [
        "larder purge --redis redis://127.0.0.1:6379 --tag zone:71",
        "larder purge --url http://api.example/zones/71 --soft",
        "larder purge --pattern '/zones/*' --user ann",
        "larder purge --redis 'redis://127.0.0.1:6379?prefix=shop:' --all --yes",
    ])
    {
        Add(_redis);
        _selection.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult call, CancellationToken cancel)
    {
        TextWriter output = call.InvocationConfiguration.Output, error = call.InvocationConfiguration.Error;
        (IReadOnlyList<Invalidation> events, IReadOnlyList<ConfigProblem> problems) = _selection.Read(call);
        (RedisOptions? redis, IReadOnlyList<ConfigProblem> ofRedis) = RedisSettings.Read(call.GetValue(_redis), "--redis");
        problems = [.. ofRedis, .. problems];
        if (redis is null && ofRedis.Count == 0) problems = [new("", null, "--redis", $"nobody says where Redis is: give it, or the variable {RedisConfiguration.Url}"), .. problems];
        if (problems.Count > 0) return Mistakes.Show(problems, error);
        if (_selection.HasQuery(call)) await error.WriteLineAsync("larder: --url: responses of a rule with 'query' are kept under another URL than this one, and stay; purge those by --tag, or with PURGE at a gateway");
        // It holds nothing that could be doubted, and says itself when there is no connection.
        (redis!.Strictness, redis.FailOnConnectionError) = (Strictness.Available, false);
        TimeSpan patience = 3 * redis.ConnectTimeout;
        await using var cache = new LarderCache(new LarderOptions().UseRedis(redis));
        if (!await cache.ConnectedAsync(patience, cancel))
        {
            await error.WriteLineAsync($"larder: Redis can't be used ({redis}): {cache.RemoteTier!.Problem ?? "no reason is known"}; nothing was ended");
            return ExitCodes.Failed;
        }
        int failed = 0;
        foreach (Invalidation what in events)
        {
            InvalidationResult result = await cache.InvalidateAsync(what, InvalidationReach.Logged, cancellationToken: cancel);
            bool isLogged = result.Status == InvalidationStatus.Acknowledged;
            if (!isLogged) failed++;
            await (isLogged ? output : error).WriteLineAsync($"{(isLogged ? "ended" : "larder: Redis did not confirm")}: {Shown.Sentence(what.ToString())}");
        }
        return failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
