using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Larder;

/// <summary>The operations of all cached methods of one cache: what two methods shared would give them each other's results.</summary>
internal sealed class CachedOperations
{
    private readonly Dictionary<string, (MethodInfo Method, Type Implementation)> _owners = [];

    /// <summary>Those of a cache, kept among the services that are being configured.</summary>
    public static CachedOperations Of(IServiceCollection services, string? cacheName)
    {
        string key = cacheName ?? "";
        if (services.FirstOrDefault(service => service.ServiceType == typeof(CachedOperations) && Equals(service.ServiceKey, key))?.KeyedImplementationInstance is CachedOperations known) return known;
        var operations = new CachedOperations();
        services.AddKeyedSingleton(key, operations);
        return operations;
    }

    /// <summary>Gives operations to the methods of an implementation, all or none.</summary>
    /// <returns>What is wrong; empty where nothing is.</returns>
    public IReadOnlyList<string> Claim(Type implementation, IReadOnlyDictionary<string, MethodInfo> operations)
    {
        var problems = new List<string>();
        foreach ((string operation, MethodInfo method) in operations)
            if (_owners.TryGetValue(operation, out var owner) && owner != (method, implementation))
                problems.Add($"{method.DeclaringType?.Name}.{method.Name}: its operation '{operation}' is that of {owner.Method.DeclaringType?.Name}.{owner.Method.Name} of {owner.Implementation} in the same cache; give each an Operation of its own.");
        if (problems.Count == 0)
            foreach ((string operation, MethodInfo method) in operations) _owners[operation] = (method, implementation);
        return problems;
    }
}
