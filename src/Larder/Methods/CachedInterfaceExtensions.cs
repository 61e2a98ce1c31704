using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Larder;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers services whose calls go through the cache.</summary>
public static class CachedInterfaceExtensions
{
    /// <summary>
    /// Adds <typeparamref name="TImplementation"/> as <typeparamref name="TInterface"/>, so that what the interface's methods marked with
    /// <see cref="CachedAttribute"/> and <see cref="InvalidatesAttribute"/> say takes place. Works where code can be made at run
    /// time; elsewhere <see cref="MethodWrapping"/> does the same for delegates.
    /// </summary>
    /// <param name="cacheName">The name of the cache; the unnamed one by default.</param>
    /// <param name="lifetime">That of the service; scoped by default.</param>
    /// <exception cref="ArgumentException">Something that the attributes say can't work; the message tells everything that can't.</exception>
    [RequiresDynamicCode("Makes a proxy at run time; use LarderCache.Wrap where that is not possible.")]
    [RequiresUnreferencedCode("Looks at the interface by reflection; use LarderCache.Wrap in trimmed programs.")]
    public static IServiceCollection AddCachedInterface<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TInterface,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TImplementation>(
        this IServiceCollection services, string? cacheName = null, ServiceLifetime lifetime = ServiceLifetime.Scoped)
        where TInterface : class
        where TImplementation : class, TInterface
    {
        ArgumentNullException.ThrowIfNull(services);
        InterfacePlan plan = InterfacePlan.Of(typeof(TInterface));
        // Made once here, for what the runtime would refuse at the first call.
        DispatchProxy.Create<TInterface, CachedProxy>();
        services.TryAdd(new ServiceDescriptor(typeof(TImplementation), typeof(TImplementation), lifetime));
        services.Add(new ServiceDescriptor(typeof(TInterface), provider => CachedProxy.Create<TInterface>(
            plan,
            cacheName is null ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(cacheName),
            provider.GetRequiredService<TImplementation>()), lifetime));
        return services;
    }
}
