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
    /// <remarks>
    /// Unless the service is a singleton, results are made by an implementation of their own, in a scope that lives as long as their
    /// making: callers may leave earlier. What a caller's scope knows is not known there, but for the user. What has no attribute, and
    /// what invalidates, goes to the caller's implementation.
    /// </remarks>
    /// <param name="cacheName">The name of the cache; the unnamed one by default.</param>
    /// <param name="lifetime">That of the service; scoped by default.</param>
    /// <param name="user">
    /// Reads the current user from the services of a scope; null or empty where there is none. The user separates results, and
    /// <see cref="Invalidation.User(string)"/> covers them. Needed wherever results depend on who asks.
    /// </param>
    /// <param name="runAs">
    /// Makes a user the current one of the scope in which a result is made; needed where <paramref name="user"/> would not find the user there.
    /// </param>
    /// <exception cref="ArgumentException">Something that the attributes say can't work; the message tells everything that can't.</exception>
    [RequiresDynamicCode("Makes a proxy at run time; use LarderCache.Wrap where that is not possible.")]
    [RequiresUnreferencedCode("Looks at the interface by reflection; use LarderCache.Wrap in trimmed programs.")]
    public static IServiceCollection AddCachedInterface<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TInterface,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TImplementation>(
        this IServiceCollection services, string? cacheName = null, ServiceLifetime lifetime = ServiceLifetime.Scoped,
        Func<IServiceProvider, string?>? user = null, Action<IServiceProvider, string>? runAs = null)
        where TInterface : class
        where TImplementation : class, TInterface
    {
        ArgumentNullException.ThrowIfNull(services);
        if (runAs is not null && user is null) throw new ArgumentException("Where nothing reads the current user, nobody can be made it; pass user, too.", nameof(runAs));
        var binding = new ServiceBinding(typeof(TImplementation), lifetime, user, runAs);
        InterfacePlan plan = InterfacePlan.Of(typeof(TInterface), binding, Serializers.AreRegistered(services));
        // Made once here, for what the runtime would refuse at the first call.
        DispatchProxy.Create<TInterface, CachedProxy>();
        if (CachedOperations.Of(services, cacheName).Claim(typeof(TImplementation), plan.Operations) is { Count: > 0 } problems)
            throw new ArgumentException(string.Join(Environment.NewLine, problems));
        services.TryAdd(new ServiceDescriptor(typeof(TImplementation), typeof(TImplementation), lifetime));
        services.Add(new ServiceDescriptor(typeof(TInterface), provider => CachedProxy.Create<TInterface>(
            plan,
            cacheName is null ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(cacheName),
            new(binding, provider.GetRequiredService<TImplementation>(), provider)), lifetime));
        return services;
    }
}
