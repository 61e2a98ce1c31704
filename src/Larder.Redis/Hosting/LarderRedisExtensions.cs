using Larder;
using Larder.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts Redis behind a cache.</summary>
public static class LarderRedisExtensions
{
    /// <summary>
    /// Shares the cache through Redis with all nodes that do the same: values are read and stored there, and invalidations reach every node. Without
    /// Redis the cache goes on by itself.
    /// </summary>
    /// <param name="builder">What <c>AddLarder</c> has returned.</param>
    /// <param name="connectionString">As <see cref="RedisOptions.Parse"/> reads it; null where the configuration says it.</param>
    /// <param name="configure">What a connection string can't say.</param>
    /// <remarks>
    /// The configuration's section <c>Larder:Redis</c> (<c>Larder:name:Redis</c>) wins over both, and <c>REDIS_URL</c> over the code. Options are checked when the program starts.
    /// </remarks>
    /// <exception cref="FormatException">The connection string is none.</exception>
    public static ILarderBuilder AddRedis(this ILarderBuilder builder, string? connectionString = null, Action<RedisOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        (IServiceCollection services, string name) = (builder.Services, builder.Name);
        if (connectionString is not null) _ = RedisOptions.Parse(connectionString);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RedisOptions>, RedisOptionsValidator>());
        services.AddOptions<RedisOptions>(name).ValidateOnStart()
            .Configure(options =>
            {
                if (connectionString is not null) RedisConnectionString.Read(connectionString, options);
                configure?.Invoke(options);
            })
            .PostConfigure<IServiceProvider>((options, provider) =>
            {
                if (provider.GetService<IConfiguration>() is { } configuration) RedisConfiguration.Read(options, name, configuration);
            });
        services.AddOptions<LarderOptions>(name).PostConfigure<IServiceProvider>((options, provider) => Use(
            options, () => provider.GetRequiredService<IOptionsMonitor<RedisOptions>>().Get(name), name,
            provider.GetService<TimeProvider>() ?? TimeProvider.System, LoggerOf(provider)));
        services.AddSingleton<IHostedService>(provider => new RedisService(
            () => name.Length == 0 ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(name),
            provider.GetRequiredService<IOptionsMonitor<RedisOptions>>().Get(name), LoggerOf(provider)));
        return builder;
    }

    /// <summary>The same for a cache that is made without dependency injection.</summary>
    /// <param name="options">The options that the cache is made with.</param>
    /// <param name="redis">Where Redis is.</param>
    /// <param name="logger">Where connections and their loss are told.</param>
    /// <returns>The options.</returns>
    /// <exception cref="ArgumentException"><see cref="RedisOptions.FailOnConnectionError"/> is on: nobody waits here who could be told. <c>cache.ConnectedAsync</c> waits.</exception>
    public static LarderOptions UseRedis(this LarderOptions options, RedisOptions redis, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(redis);
        if (redis.FailOnConnectionError)
            throw new ArgumentException($"{nameof(redis.FailOnConnectionError)} is for programs with a host. Making a cache does not wait for Redis: leave it out, and wait by 'await cache.ConnectedAsync(timeout)'.", nameof(redis));
        Use(options, () => redis, "", TimeProvider.System, logger ?? NullLogger.Instance);
        return options;
    }

    /// <summary>The same with a connection string.</summary>
    /// <exception cref="FormatException">The connection string is none.</exception>
    /// <inheritdoc cref="UseRedis(LarderOptions, RedisOptions, ILogger?)"/>
    public static LarderOptions UseRedis(this LarderOptions options, string connectionString, ILogger? logger = null) => options.UseRedis(RedisOptions.Parse(connectionString), logger);

    private static ILogger LoggerOf(IServiceProvider provider) => provider.GetService<ILoggerFactory>()?.CreateLogger(Larder.Redis.Log.Category) ?? NullLogger.Instance;

    /// <param name="redis">Asked when the cache is made: what is wrong with them is told by their own check.</param>
    private static void Use(LarderOptions options, Func<RedisOptions> redis, string name, TimeProvider time, ILogger logger) => options.Remote = clock =>
    {
        RedisOptions asked = redis();
        return new RedisTier(asked, asked.PrefixFor(name), clock, time, logger).Seams;
    };
}
