using Larder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Larder.</summary>
public static class LarderServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="LarderCache"/> and, over it, the program's <see cref="HybridCache"/>, whether or not
    /// <c>AddHybridCache</c> is called before or after. Options come from code and from the configuration's section
    /// <c>Larder</c>, which wins; they are checked when the program starts.
    /// </summary>
    public static ILarderBuilder AddLarder(this IServiceCollection services, Action<LarderOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (IsFirst(services, null))
        {
            AddOptions(services, Options.Options.DefaultName);
            services.AddSingleton(static provider => Create(provider, Options.Options.DefaultName));
            services.RemoveAll<HybridCache>();
            services.AddSingleton<HybridCache>(static provider => new LarderHybridCache(provider.GetRequiredService<LarderCache>()));
            services.AddSingleton<IHostedService>(static provider => SnapshotsOf(provider, new(provider.GetRequiredService<LarderCache>)));
        }
        return Configured(services, Options.Options.DefaultName, configure);
    }

    /// <summary>
    /// Adds a cache of its own under a name: <c>[FromKeyedServices("name")]</c> gets its <see cref="LarderCache"/>,
    /// <see cref="HybridCache"/> and <see cref="IDistributedCache"/>. It shares neither keys nor tags, limits or invalidations with
    /// others. Options come from code and from the configuration's section <c>Larder:name</c>, which wins; they are checked when the
    /// program starts.
    /// </summary>
    /// <exception cref="ArgumentException">The name is empty, contains a colon, is that of a field of the options, or differs from another cache's only by case.</exception>
    public static ILarderBuilder AddLarder(this IServiceCollection services, string name, Action<LarderOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Contains(':') || LarderConfiguration.IsField(name))
            throw new ArgumentException($"A cache can't be called '{name}': its settings would not be found in the configuration. Choose a name without colons that is no option's.", nameof(name));
        if (Names(services).TryGetValue(name, out string? other) && other != name)
            throw new ArgumentException($"A cache can't be called '{name}' beside '{other}': the configuration does not tell them apart. Choose names that differ by more than case.", nameof(name));
        if (IsFirst(services, name))
        {
            AddOptions(services, name);
            services.AddKeyedSingleton(name, static (provider, key) => Create(provider, (string)key!));
            services.RemoveAllKeyed<HybridCache>(name);
            services.AddKeyedSingleton<HybridCache>(name, static (provider, key) => new LarderHybridCache(provider.GetRequiredKeyedService<LarderCache>(key)));
            services.AddKeyedSingleton<IDistributedCache>(name, static (provider, key) => new LarderDistributedCache(provider.GetRequiredKeyedService<LarderCache>(key)));
            services.AddSingleton<IHostedService>(provider => SnapshotsOf(provider, new(() => provider.GetRequiredKeyedService<LarderCache>(name))));
        }
        return Configured(services, name, configure);
    }

    /// <summary>
    /// Makes the cache the program's <see cref="IDistributedCache"/>, in the place of any that was added before: sessions and
    /// whatever else asks for one are kept in it, within its limits. Of a named cache, too, which is a good place for
    /// them: others can't crowd them out there.
    /// </summary>
    public static ILarderBuilder AddDistributedCache(this ILarderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = builder.Name;
        builder.Services.RemoveAll<IDistributedCache>();
        builder.Services.AddSingleton<IDistributedCache>(provider => new LarderDistributedCache(
            name.Length == 0 ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(name)));
        return builder;
    }

    private static bool IsFirst(IServiceCollection services, string? name) =>
        !services.Any(service => service.ServiceType == typeof(LarderCache) && Equals(service.ServiceKey, name));

    /// <summary>The names of the named caches, compared as the configuration compares them.</summary>
    private static HashSet<string> Names(IServiceCollection services) => services
        .Where(service => service.ServiceType == typeof(LarderCache)).Select(service => service.ServiceKey).OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);

    private static void AddOptions(IServiceCollection services, string name)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<LarderOptions>, LarderOptionsValidator>());
        services.AddOptions<LarderOptions>(name).ValidateOnStart().PostConfigure<IServiceProvider>((options, provider) =>
        {
            if (provider.GetService<IConfiguration>() is { } configuration)
                LarderConfiguration.Read(options, name, Names(services), configuration, provider.GetService<ILogger<LarderCache>>());
        });
    }

    private static LarderBuilder Configured(IServiceCollection services, string name, Action<LarderOptions>? configure)
    {
        if (configure is not null) services.Configure(name, configure);
        return new(services, name);
    }

    private static LarderCache Create(IServiceProvider provider, string name) => new(
        provider.GetRequiredService<IOptionsMonitor<LarderOptions>>().Get(name),
        provider.GetService<TimeProvider>(),
        provider.GetService<ILogger<LarderCache>>(),
        provider,
        name);

    private static SnapshotService SnapshotsOf(IServiceProvider provider, Lazy<LarderCache> cache) => new(
        cache,
        provider.GetService<TimeProvider>() ?? TimeProvider.System,
        provider.GetService<ILogger<LarderCache>>() ?? NullLogger<LarderCache>.Instance);

    private sealed class LarderBuilder(IServiceCollection services, string name) : ILarderBuilder
    {
        public IServiceCollection Services => services;

        public string Name => name;
    }
}

/// <summary>What <c>AddLarder</c> returns: the place where other packages add their parts.</summary>
public interface ILarderBuilder
{
    /// <summary>The services that are being configured.</summary>
    IServiceCollection Services { get; }

    /// <summary>The cache's name; empty for the one without.</summary>
    string Name { get; }
}
