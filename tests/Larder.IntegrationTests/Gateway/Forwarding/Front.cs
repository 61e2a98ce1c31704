using System.Collections.Concurrent;
using Larder.AspNetCore;
using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>A real server with nothing but the forwarder, and a middleware before it that notes how each exchange ended.</summary>
internal sealed class Front : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly WebApplication _app;
    private readonly Forwarder _forwarder;

    private Front(ForwarderOptions options, HttpProtocols protocols, long? maxBody)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(this);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Forwarder.ConfigureKestrel(kestrel);
            if (maxBody is not null) kestrel.Limits.MaxRequestBodySize = maxBody;
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = protocols);
        });
        _app = builder.Build();
        _forwarder = new Forwarder(options, _app.Services.GetRequiredService<ILogger<Forwarder>>(), TimeProvider.System);
        _app.Use(QuietAborts.InvokeAsync);
        _app.Use(NoteAsync);
        _app.Run(_forwarder.ForwardAsync);
    }

    /// <summary>What a wrapping middleware saw, in the order of completion: the reason set, or the exception thrown.</summary>
    public BlockingCollection<(Reason? Reason, Exception? Thrown)> Ends { get; } = [];

    public ConcurrentQueue<(LogLevel Level, EventId Id, string Text)> Logs { get; } = new();

    public Uri Address => new(_app.Urls.Single());

    public static async Task<Front> StartAsync(
        Uri origin, TimeSpan? response = null, TimeSpan? idle = null, HttpProtocols protocols = HttpProtocols.Http1, long? maxBody = null)
    {
        var options = new ForwarderOptions { Origin = origin };
        var front = new Front(
            options with { ResponseTimeout = response ?? options.ResponseTimeout, IdleTimeout = idle ?? options.IdleTimeout }, protocols, maxBody);
        await front._app.StartAsync();
        return front;
    }

    public (Reason? Reason, Exception? Thrown) NextEnd() =>
        Ends.TryTake(out var end, TimeSpan.FromSeconds(30)) ? end : throw new TimeoutException("No exchange ended.");

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
        _forwarder.Dispose();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
        Logs.Enqueue((level, id, format(state, exception)));

    public bool IsEnabled(LogLevel level) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose()
    {
    }

    private async Task NoteAsync(HttpContext context, RequestDelegate next)
    {
        Exception? thrown = null;
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            thrown = e;
            throw;
        }
        finally
        {
            Ends.Add((context.Features.Get<IOriginFailureFeature>()?.Reason, thrown));
        }
    }
}
