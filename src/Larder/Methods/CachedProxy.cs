using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Larder;

/// <summary>Stands before an implementation and lets the calls with attributes go through the cache.</summary>
[RequiresDynamicCode("Proxies are made at run time.")]
[RequiresUnreferencedCode("Looks at methods by reflection.")]
internal class CachedProxy : DispatchProxy
{
    private InterfacePlan _plan = null!;
    private LarderCache _cache = null!;
    private Caller _caller = null!;

    public static TInterface Create<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TInterface>(InterfacePlan plan, LarderCache cache, Caller caller)
        where TInterface : class
    {
        TInterface made = Create<TInterface, CachedProxy>();
        var proxy = (CachedProxy)(object)made;
        (proxy._plan, proxy._cache, proxy._caller) = (plan, cache, caller);
        return made;
    }

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        ArgumentNullException.ThrowIfNull(targetMethod);
        return _plan.Find(targetMethod) is { } intercepted
            ? intercepted.Invoke(_cache, _caller, args ?? [])
            : targetMethod.Invoke(_caller.Target, BindingFlags.DoNotWrapExceptions, binder: null, args, culture: null);
    }
}
