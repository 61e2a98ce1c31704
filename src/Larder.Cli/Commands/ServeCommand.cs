using System.CommandLine;
using System.Net.Sockets;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;
using Larder.Redis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Cli.Commands;

/// <summary><c>larder serve</c>: runs the caching reverse proxy until it is stopped.</summary>
internal sealed class ServeCommand : ExampleCommand
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly Option<string> _origin = new("--origin") { Description = $"The API to cache, as http://host:port; needed unless the file has origins [default: the variable {ServeInput.OriginVariable}]", HelpName = "URL" };
    private readonly Option<string> _urls = new("--urls") { Description = $"Where to listen, separated by ';' [default: the variable {ServeInput.UrlsVariable}, else the file's, else {GatewayOptions.DefaultUrl}]", HelpName = "URLS" };
    private readonly Option<string> _config = new("--config") { Description = $"Rules, origins and settings: .json, .yaml or .yml, followed when it changes and on SIGHUP. Flags win over variables, and these over the file [default: the variable {ServeInput.ConfigVariable}]", HelpName = "FILE" };

    private readonly Option<string> _redis = new("--redis") { Description = $"The Redis that several gateways share [default: the file's, else the variable {RedisConfiguration.Url}, else none]", HelpName = "URL" };

    public ServeCommand() : base("serve", "Cache an API: listen, answer from memory, ask the origin for the rest. GET /healthz is answered by larder itself.",
    [
        "larder serve --origin http://127.0.0.1:8081",
        "larder serve --origin http://127.0.0.1:8081 --urls 'http://127.0.0.1:8080;http://[::1]:8080'",
        "larder serve --config larder.yaml",
        $"{ServeInput.OriginVariable}=http://127.0.0.1:8081 {ServeInput.ConfigVariable}=larder.yaml larder serve",
        $"{RedisConfiguration.Url}=redis://:secret@127.0.0.1:6379 larder serve --origin http://127.0.0.1:8081",
    ])
    {
        Add(_origin);
        Add(_urls);
        Add(_config);
        Add(_redis);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult call, CancellationToken cancel)
    {
        TextWriter output = call.InvocationConfiguration.Output, error = call.InvocationConfiguration.Error;
        var flags = new ConfigurationFlags(call.GetValue(_origin), call.GetValue(_urls), call.GetValue(_redis));
        var input = new ServeInput(flags, call.GetValue(_config), Environment.GetEnvironmentVariable);
        var watch = new ConfigWatch(input, TimeProvider.System);
        ConfigurationResult read = input.Read();
        if (read.Problems.Count > 0) return Mistakes.Show(read.Problems, error);
        if (read.Options is not { } options)
        {
            await error.WriteLineAsync("larder: no origin is given; say --origin http://host:port, or \"origin\" in the configuration");
            return ExitCodes.Usage;
        }
        try
        {
            return await ServeAsync(options, input.RedisIsOfVariable(options), watch, output, error, cancel);
        }
        catch (OptionsValidationException e)
        {
            foreach (string failure in e.Failures) await error.WriteLineAsync($"larder: {Shown.Sentence(failure)}");
            return ExitCodes.Usage;
        }
    }

    /// <summary>Whether Redis is used: the first connection, which was begun before the gateway listened, is given a moment.</summary>
    private static async Task<string> SharingAsync(LarderCache cache, CancellationToken cancel)
    {
        if (cache.Remote?.Tier is not { } tier) return "";
        await Task.WhenAny(tier.FirstAttempt, Task.Delay(Moment, cancel));
        if (tier.Follower.Epoch != 0 && !cancel.IsCancellationRequested) await cache.ConnectedAsync(Moment, CancellationToken.None);
        return cache.RemoteTier is { State: RemoteTierState.InUse } ? ", shared through Redis" : ", Redis configured, not connected yet";
    }

    private static async Task<int> ServeAsync(GatewayOptions options, bool withRedisUrl, ConfigWatch watch, TextWriter output, TextWriter error, CancellationToken cancel)
    {
        // The start and the stop are told here, in lines for people; the host's own would say the same again.
        await using WebApplication app = GatewayHost.Build(options, builder =>
        {
            builder.Logging.AddFilter(GatewayHost.LifetimeCategory, LogLevel.None);
            builder.Configuration.AddInMemoryCollection(RedisConfiguration.OfEnvironment(withRedisUrl));
        });
        try
        {
            await app.StartAsync(cancel);
        }
        catch (InvalidOperationException e) when (options.Redis is not null)
        {
            await error.WriteLineAsync($"larder: {Shown.Sentence(e.Message)}");
            return ExitCodes.Failed;
        }
        catch (Exception e) when (e is IOException or SocketException or AddressInUseException)
        {
            await error.WriteLineAsync($"larder: can't listen on {string.Join(" and ", options.Urls)}: {Shown.Sentence(e.Message)}");
            return ExitCodes.Failed;
        }
        await output.WriteLineAsync($"larder listens on {string.Join(" and ", app.Urls)} and caches {ServeInput.Names(options)} ({Mistakes.Rules(options.Rules.Count)}{await SharingAsync(app.Services.GetRequiredService<LarderCache>(), cancel)})");
        await output.FlushAsync(CancellationToken.None);
        Task watching = watch.RunAsync(GatewayHost.ReloadOf(app, options), app.Lifetime.ApplicationStopping);
        await app.WaitForShutdownAsync(cancel);
        await watching;
        await output.WriteLineAsync("larder has stopped");
        return ExitCodes.Ok;
    }
}
