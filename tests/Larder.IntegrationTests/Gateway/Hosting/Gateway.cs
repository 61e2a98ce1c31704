using System.Collections.Concurrent;
using Larder.Gateway.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Gateway.Hosting;

/// <summary>A whole gateway on a free port, and what it logs.</summary>
internal sealed class Gateway : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly WebApplication _app;

    private Gateway(GatewayOptions options, TimeProvider? time)
    {
        Options = options;
        bool isAnywhere = options.Urls.SequenceEqual([GatewayOptions.DefaultUrl]);
        _app = GatewayHost.Build(isAnywhere ? options with { Urls = ["http://127.0.0.1:0"] } : options, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(this);
            builder.Logging.SetMinimumLevel(LogLevel.Debug);
            if (time is not null) builder.Services.AddSingleton(time);
        });
        Reload = GatewayHost.ReloadOf(_app, options);
        Client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    }

    public GatewayOptions Options { get; }

    public GatewayReload Reload { get; }

    public HttpClient Client { get; }

    public Uri Address => new(_app.Urls.First());

    public ConcurrentQueue<(LogLevel Level, int Id, string Text)> Logs { get; } = new();

    /// <summary>Starts it on a free port, unless the options say where.</summary>
    public static async Task<Gateway> StartAsync(GatewayOptions options, TimeProvider? time = null)
    {
        var gateway = new Gateway(options, time);
        await gateway._app.StartAsync();
        return gateway;
    }

    /// <summary>Asks for a target under a host and comes back with the status and the body.</summary>
    public async Task<(int Status, string Body, HttpResponseMessage Answer)> GetAsync(string target, string host = "site.test", string method = "GET")
    {
        var request = new HttpRequestMessage(new(method), new Uri(Address.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Headers.Host = host;
        HttpResponseMessage answer = await Client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer);
    }

    /// <summary>Waits until something has been logged.</summary>
    public async Task LogsAsync(int id)
    {
        for (int turn = 0; !Logs.Any(line => line.Id == id); turn++)
        {
            Assert.True(turn < 3000, $"{id} was never logged");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
        Logs.Enqueue((level, id.Id, format(state, exception)));

    public bool IsEnabled(LogLevel level) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose()
    {
    }
}
