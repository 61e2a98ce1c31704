using Larder.AspNetCore;
using Larder.Gateway.Configuration;
using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Hosting;

/// <summary>The caching reverse proxy as a web application.</summary>
public static class GatewayHost
{
    /// <summary>The category of what is logged about starting and stopping.</summary>
    public const string LifetimeCategory = "Larder.Gateway.Lifetime";

    /// <summary>How long requests in progress may take when the gateway stops; then they are cut off.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Builds a gateway, ready to be started. It reads no configuration but <paramref name="options"/>: no files, no
    /// environment. <c>GET /healthz</c> is answered by the gateway itself.
    /// </summary>
    /// <param name="options">What the gateway is.</param>
    /// <param name="configure">Changes to the builder before the application is built: logging, services.</param>
    /// <exception cref="ArgumentException">There is no origin, or one that is not a plain absolute http or https URI, or a rule can't work.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The certificate can't be used.</exception>
    public static WebApplication Build(GatewayOptions options, Action<WebApplicationBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Origin is null && options.Origins.Count == 0) throw new ArgumentException("There is no origin.", nameof(options));
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "Larder.Gateway" });
        AddServer(builder, options);
        AddLogging(builder.Logging);
        AddCache(builder.Services, options);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services => new Forwarder(
            ForwarderOptionsOf(options), services.GetRequiredService<ILogger<Forwarder>>(), services.GetRequiredService<TimeProvider>()));
        configure?.Invoke(builder);

        WebApplication app = builder.Build();
        UsePipeline(app);
        LogLifetime(app, options);
        return app;
    }

    /// <summary>Has a gateway that was built here follow other options.</summary>
    internal static GatewayReload ReloadOf(WebApplication app, GatewayOptions started) => new(
        started, app.Services.GetRequiredService<Forwarder>(), (HttpCache)((IApplicationBuilder)app).Properties[nameof(HttpCache)]!, app.Services.GetRequiredService<ILogger<GatewayReload>>());

    private static void UsePipeline(WebApplication app)
    {
        var forwarder = app.Services.GetRequiredService<Forwarder>();
        app.Use(QuietAborts.InvokeAsync);
        app.Use(new Health(app.Lifetime).InvokeAsync);
        app.Use((context, next) => AnswerHeaders.InvokeAsync(context, next, forwarder));
        app.Use((context, next) => GuardAsync(context, next, forwarder));
        app.UseLarder();
        app.Run(forwarder.ForwardAsync);
    }

    /// <summary>The cache must see the request that the origin would see, and none that the origin would never see.</summary>
    private static Task GuardAsync(HttpContext context, RequestDelegate next, Forwarder forwarder) =>
        forwarder.Guard(context) is { } refusal ? forwarder.RefuseAsync(context, refusal) : next(context);

    private static void AddServer(WebApplicationBuilder builder, GatewayOptions options)
    {
        if (options.Tls is { } tls)
        {
            builder.Services.AddSingleton(services => new ListenerCertificate(tls, services.GetRequiredService<ILogger<ListenerCertificate>>(), services.GetRequiredService<TimeProvider>()));
            builder.Services.AddHostedService(services => services.GetRequiredService<ListenerCertificate>());
        }
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Forwarder.ConfigureKestrel(kestrel);
            Listeners.Add(kestrel, options, kestrel.ApplicationServices.GetService<ListenerCertificate>());
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
    }

    /// <summary>One line per event, without paths. What stops a start is thrown to the caller, and not logged beside that.</summary>
    private static void AddLogging(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
        });
        logging.SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", level => level is LogLevel.Warning or LogLevel.Error);
    }

    private static void AddCache(IServiceCollection services, GatewayOptions options)
    {
        ILarderBuilder cache = services.AddLarder(larder =>
        {
            larder.MaxEntries = options.MaxEntries;
            larder.MaxBytes = options.MaxBytes;
            larder.MaxEntryBytes = ConfigLimits.EntryBytesFor(options.MaxBodyBytes);
        });
        if (options.Redis is { } redis) cache.AddRedis(redis);
        services.AddOptions<HttpCacheOptions>().Configure(http =>
        {
            foreach (CacheRule rule in options.Rules) http.Rules.Add(rule);
            http.MaxBodyBytes = options.MaxBodyBytes;
            http.KeepStale = options.KeepStale;
            http.CacheProvocableErrors = options.CacheErrors;
            options.Caching.Apply(http);
            // The guard in front takes them out.
            http.ForwardingHeadersAreStripped = true;
            http.User = context => PrivateUser.Of(context, options.PrivateUserHeader);
        });
    }

    /// <summary>What the forwarder follows of these options.</summary>
    internal static ForwarderOptions ForwarderOptionsOf(GatewayOptions options) => new()
    {
        Origin = options.Origin,
        Origins = options.Origins,
        Retries = options.Retries,
        Headers = options.Headers,
        Form = options.Forwarding,
        ConnectTimeout = options.ConnectTimeout,
        ResponseTimeout = options.ResponseTimeout,
        IdleTimeout = options.IdleTimeout,
    };

    private static void LogLifetime(WebApplication app, GatewayOptions options)
    {
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(LifetimeCategory);
        ILogger warnings = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(GatewayHost).FullName!);
        string origin = string.Join(", ", app.Services.GetRequiredService<Forwarder>().Plan.Origins.Select(o => o.Name));
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            Log.Started(logger, string.Join(", ", app.Urls), origin, options.Rules.Count);
            foreach (string url in app.Urls.Where(ListenUrl.IsEverywhere)) Log.ListensEverywhere(warnings, url);
        });
        app.Lifetime.ApplicationStopped.Register(() => Log.Stopped(logger, origin));
    }
}
