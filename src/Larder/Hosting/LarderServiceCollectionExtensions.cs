using Larder;
using Microsoft.Extensions.Caching.Hybrid;
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
    /// Adds a <see cref="LarderCache"/> and, over it, a <see cref="HybridCache"/>. Options are checked when the program
    /// starts; more can be bound to <see cref="LarderOptions"/> as usual.
    /// </summary>
    public static ILarderBuilder AddLarder(this IServiceCollection services, Action<LarderOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<LarderOptions> options = services.AddOptions<LarderOptions>().ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<LarderOptions>, LarderOptionsValidator>());
        services.TryAddSingleton(static provider => new LarderCache(
            provider.GetRequiredService<IOptions<LarderOptions>>().Value,
            provider.GetService<TimeProvider>(),
            provider.GetService<ILogger<LarderCache>>(),
            provider));
        services.TryAddSingleton<HybridCache>(static provider => new LarderHybridCache(provider.GetRequiredService<LarderCache>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, SnapshotService>(static provider => new(
            provider.GetRequiredService<LarderCache>(),
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetService<ILogger<LarderCache>>() ?? NullLogger<LarderCache>.Instance)));
        return new LarderBuilder(services);
    }

    private sealed class LarderBuilder(IServiceCollection services) : ILarderBuilder
    {
        public IServiceCollection Services => services;
    }
}

/// <summary>What <c>AddLarder</c> returns: the place where other packages add their parts.</summary>
public interface ILarderBuilder
{
    /// <summary>The services that are being configured.</summary>
    IServiceCollection Services { get; }
}
