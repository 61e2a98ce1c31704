using Microsoft.Extensions.DependencyInjection;

namespace Larder;

/// <summary>What the registration of a cached interface says of all its calls.</summary>
/// <param name="Implementation">Whose methods make the results.</param>
/// <param name="Lifetime">That of the service.</param>
/// <param name="User">Reads the current user from the services of a scope.</param>
/// <param name="RunAs">Makes a user the current one of a scope.</param>
internal sealed record ServiceBinding(
    Type Implementation, ServiceLifetime Lifetime = ServiceLifetime.Scoped, Func<IServiceProvider, string?>? User = null, Action<IServiceProvider, string>? RunAs = null);

/// <summary>Where a call comes from: the caller's implementation, and the services of the caller's scope.</summary>
/// <remarks>
/// Neither is used once the call has returned: a run may outlive its caller (others wait for it, or it refreshes in the
/// background) and so has an implementation of its own, in a scope that ends with the run.
/// </remarks>
internal sealed class Caller(ServiceBinding binding, object target, IServiceProvider services)
{
    private readonly IServiceScopeFactory? _scopes = binding.Lifetime == ServiceLifetime.Singleton ? null : services.GetRequiredService<IServiceScopeFactory>();

    /// <summary>The caller's implementation.</summary>
    public object Target => target;

    /// <summary>The current user of the caller's scope; null where there is none.</summary>
    public string? User => binding.User?.Invoke(services) is { Length: > 0 } user ? user : null;

    /// <summary>What a run calls, for the user whose result it makes.</summary>
    /// <param name="user">The current user that the key names; null where it names none.</param>
    public RunTarget Begin(string? user) => new(binding, _scopes, target, user);
}

/// <summary>What a run needs to find its implementation; nothing of the caller's where that has a scope.</summary>
internal readonly struct RunTarget(ServiceBinding binding, IServiceScopeFactory? scopes, object target, string? user)
{
    private readonly object? _singleton = scopes is null ? target : null;

    /// <summary>Makes the result, in a scope of its own unless the implementation lives as long as the program.</summary>
    public ValueTask<T> RunAsync<T>(Func<object, ValueTask<T>> call) => _singleton is { } target ? call(target) : RunInScopeAsync(call);

    /// <exception cref="InvalidOperationException">The scope has another current user than the key names: the result would be kept under a wrong name.</exception>
    private async ValueTask<T> RunInScopeAsync<T>(Func<object, ValueTask<T>> call)
    {
        AsyncServiceScope scope = scopes!.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            IServiceProvider services = scope.ServiceProvider;
            if (user is not null)
            {
                binding.RunAs?.Invoke(services, user);
                if (binding.User!(services) != user)
                    throw new InvalidOperationException(
                        $"Results of {binding.Implementation} are made in a scope of their own, and the current user is not known there; pass runAs to AddCachedInterface, which tells that scope whom it works for.");
            }
            return await call(services.GetRequiredService(binding.Implementation)).ConfigureAwait(false);
        }
    }
}
