using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Larder;

/// <summary>What the attributes of an interface ask for, checked whole: every mistake is told at once, when the interface is registered.</summary>
[RequiresDynamicCode("Makes proxies and generic types at run time.")]
[RequiresUnreferencedCode("Looks at methods and properties by reflection.")]
internal sealed class InterfacePlan
{
    private readonly Dictionary<MethodInfo, InterceptedMethod> _methods = [];
    private readonly Dictionary<string, MethodInfo> _operations = [];
    private readonly List<string> _problems = [];
    private readonly ServiceBinding _binding;

    /// <summary>Null where the program's own serializers decide what can be kept.</summary>
    private readonly Serializers? _serializers;

    private InterfacePlan(Type type, ServiceBinding binding, Serializers? serializers)
    {
        (_binding, _serializers) = (binding, serializers);
        if (!type.IsInterface) throw new ArgumentException($"{type} is no interface; its calls can't be intercepted.");
        MethodInfo[] methods = [.. type.GetInterfaces().Append(type).SelectMany(i => i.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))];
        ILookup<string, string> tags = methods.Where(m => m.GetCustomAttribute<CachedAttribute>() is not null).ToLookup(m => m.Name, m => TagOf(OperationOf(m, methods)));
        foreach (MethodInfo method in methods)
        {
            CachedAttribute? cached = method.GetCustomAttribute<CachedAttribute>();
            InvalidatesAttribute? invalidates = method.GetCustomAttribute<InvalidatesAttribute>();
            int before = _problems.Count;
            if (cached is not null && invalidates is not null) _problems.Add("it can't be both cached and invalidating");
            else if (cached is not null) AddCached(method, cached, OperationOf(method, methods));
            else if (invalidates is not null) AddInvalidating(method, invalidates, tags);
            for (int i = before; i < _problems.Count; i++) _problems[i] = $"{type.Name}.{method.Name}: {_problems[i]}.";
        }
        if (_methods.Count == 0 && _problems.Count == 0) _problems.Add($"{type.Name} has no method that is [Cached] or [Invalidates].");
    }

    /// <exception cref="ArgumentException">Something can't work; the message tells everything that can't.</exception>
    public static InterfacePlan Of(Type type, ServiceBinding binding, bool hasSerializers = false)
    {
        var plan = new InterfacePlan(type, binding, hasSerializers ? null : new(null));
        return plan._problems.Count == 0 ? plan : throw new ArgumentException(string.Join(Environment.NewLine, plan._problems));
    }

    /// <summary>What the keys of each cached method begin with.</summary>
    public IReadOnlyDictionary<string, MethodInfo> Operations => _operations;

    public InterceptedMethod? Find(MethodInfo method) => _methods.GetValueOrDefault(method);

    private void AddCached(MethodInfo method, CachedAttribute attribute, string operation)
    {
        var signature = new MethodSignature(method);
        if (!signature.Shape.HasResult()) _problems.Add("it has no result that could be cached");
        else if (ReturnShapes.IsReadLater(signature.Result)) _problems.Add($"a {signature.Result.Name} can be read only once and not be cached");
        else if (!attribute.ShareInstance) CheckResult(signature.Result);
        CheckInterceptable(signature);
        foreach (ParameterInfo parameter in signature.KeyParameters)
            if (!parameter.ParameterType.IsByRef && KeyValues.Problem(parameter.ParameterType) is { } problem) _problems.Add($"the parameter '{parameter.Name}' can't be part of a key: {problem}");
        if (attribute.TtlSeconds is < 0 or > 365 * 86_400d || double.IsNaN(attribute.TtlSeconds)) _problems.Add("TtlSeconds must lie between 0 and a year");
        if (!_operations.TryAdd(operation, method)) _problems.Add($"its operation '{operation}' is that of another method; give it an Operation of its own");
        CheckWhose(signature, attribute);
        MethodTemplate[] tags = Tags(attribute.Tags, signature);
        MethodTemplate? user = attribute.User is { } template ? new(template, signature.Parameters, _problems) : null;
        if (_problems.Count > 0) return;
        _methods[method] = (InterceptedMethod)Activator.CreateInstance(
            typeof(CachedMethod<>).MakeGenericType(signature.Result), signature, operation, attribute, tags, user, TagOf(operation))!;
    }

    /// <summary>A result none of which is ever kept is a mistake that would show at the first call, in the log alone.</summary>
    private void CheckResult(Type result)
    {
        if (_serializers is null || result.IsByRef || result.IsByRefLike || result.IsPointer || result.ContainsGenericParameters) return;
        string? problem = (string?)typeof(Serializers).GetMethod(nameof(Serializers.Problem))!.MakeGenericMethod(result).Invoke(_serializers, null);
        if (problem is not null)
            _problems.Add($"no result of type {result} could be kept; say ShareInstance = true if nobody changes the results, return one of the framework's types, or register a serializer before the interface: {problem.TrimEnd('.')}");
    }

    /// <summary>
    /// A result that depends on nothing that is told can only be the same for everybody, or be somebody's and shown to others: which
    /// of both is not for the cache to guess.
    /// </summary>
    private void CheckWhose(MethodSignature signature, CachedAttribute attribute)
    {
        if (attribute is { Shared: true, User: not null }) _problems.Add("it can't be both shared by all users and a user's");
        if (_binding.Lifetime != ServiceLifetime.Singleton && signature.KeyParameters.Length == 0 && attribute is { User: null, Shared: false } && _binding.User is null)
            _problems.Add("it has no parameters that say whose result it is; pass user to AddCachedInterface if that is the current user's, or say Shared = true if everybody gets the same");
    }

    private void AddInvalidating(MethodInfo method, InvalidatesAttribute attribute, ILookup<string, string> tagsOfMethods)
    {
        var signature = new MethodSignature(method);
        CheckInterceptable(signature);
        if (ReturnShapes.IsReadLater(signature.Result)) _problems.Add($"when a {signature.Result.Name} has been read to its end is not known");
        foreach (string name in attribute.Methods)
            if (!tagsOfMethods.Contains(name)) _problems.Add($"'{name}' is no cached method of the interface");
        MethodTemplate[] tags = Tags(attribute.Tags, signature);
        MethodTemplate[] keys = [.. attribute.Keys.Select(key => new MethodTemplate(key, signature.Parameters, _problems))];
        MethodTemplate? user = attribute.User is { } template ? new(template, signature.Parameters, _problems) : null;
        string[] methodTags = [.. attribute.Methods.SelectMany(name => tagsOfMethods[name])];
        if (tags.Length + keys.Length + methodTags.Length == 0 && user is null) _problems.Add("it does not say what it invalidates");
        if (_problems.Count > 0) return;
        _methods[method] = (InterceptedMethod)Activator.CreateInstance(typeof(InvalidatingMethod<>).MakeGenericType(signature.Result), signature, tags, keys, methodTags, user)!;
    }

    private void CheckInterceptable(MethodSignature signature)
    {
        if (signature.Method.IsGenericMethodDefinition) _problems.Add("it is generic");
        if (signature.Method.IsStatic) _problems.Add("it is static");
        if (signature.Method.ReturnType.IsByRef || signature.Method.ReturnType.IsByRefLike) _problems.Add("it returns a reference");
        foreach (ParameterInfo parameter in signature.Parameters)
            if (parameter.ParameterType.IsByRef || parameter.ParameterType.IsByRefLike) _problems.Add($"the parameter '{parameter.Name}' is passed by reference");
        if (signature.Parameters.Count(p => p.ParameterType == typeof(CancellationToken)) > 1) _problems.Add("it has several cancellation tokens");
    }

    private MethodTemplate[] Tags(string[] templates, MethodSignature signature)
    {
        var tags = new List<MethodTemplate>();
        foreach (string text in templates)
        {
            if (TagRules.Problem(text) is { } problem)
            {
                _problems.Add($"the tag '{text}' is not allowed: {problem.TrimEnd('.')}");
                continue;
            }
            var template = new MethodTemplate(text, signature.Parameters, _problems);
            if (template.MaxTagLength > TagRules.MaxLength) _problems.Add($"the tag '{text}' may come to {template.MaxTagLength} characters; allowed are {TagRules.MaxLength}");
            tags.Add(template);
        }
        return [.. tags];
    }

    private string OperationOf(MethodInfo method, MethodInfo[] all)
    {
        if (method.GetCustomAttribute<CachedAttribute>()?.Operation is { Length: > 0 } named) return named;
        string name = $"{method.DeclaringType}.{method.Name}";
        bool isAlone = all.Count(m => m.Name == method.Name && m.DeclaringType == method.DeclaringType) == 1;
        return (isAlone ? name : $"{name}({string.Join(',', method.GetParameters().Select(p => p.ParameterType))})") + $"@{_binding.Implementation}";
    }

    /// <summary>The name of the exact tag that all results of a cached method carry.</summary>
    private static string TagOf(string operation) => "method:" + operation;
}
