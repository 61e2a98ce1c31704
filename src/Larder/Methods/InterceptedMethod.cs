using System.Reflection;

namespace Larder;

/// <summary>A method's parts, as interception needs them.</summary>
internal sealed class MethodSignature
{
    public MethodSignature(MethodInfo method)
    {
        Method = method;
        Parameters = method.GetParameters();
        (Shape, Result) = ReturnShapes.Of(method.ReturnType);
        TokenAt = Array.FindIndex(Parameters, p => p.ParameterType == typeof(CancellationToken));
        KeyParameters = [.. Parameters.Where((_, at) => at != TokenAt)];
    }

    public MethodInfo Method { get; }
    public ParameterInfo[] Parameters { get; }
    public ParameterInfo[] KeyParameters { get; }
    public ReturnShape Shape { get; }
    public Type Result { get; }
    /// <summary>Which parameter is the cancellation token; negative where none is.</summary>
    public int TokenAt { get; }

    public CancellationToken TokenOf(object?[] arguments) => TokenAt < 0 ? default : (CancellationToken)arguments[TokenAt]!;

    /// <summary>Calls the method; what it throws comes out as it is.</summary>
    public object? Call(object target, object?[] arguments) =>
        Method.Invoke(target, BindingFlags.DoNotWrapExceptions, binder: null, arguments, culture: null);

    /// <summary>The same with another cancellation token; the caller's arguments stay as they are.</summary>
    public object? Call(object target, object?[] arguments, CancellationToken token)
    {
        if (TokenAt < 0) return Call(target, arguments);
        object?[] copy = [.. arguments];
        copy[TokenAt] = token;
        return Call(target, copy);
    }
}

/// <summary>What happens when a method with an attribute is called.</summary>
internal abstract class InterceptedMethod
{
    /// <returns>What the method's caller gets: the result in its shape.</returns>
    public abstract object? Invoke(LarderCache cache, Caller caller, object?[] arguments);
}

/// <summary>A call whose result is looked up before it is made.</summary>
/// <remarks>The caller of a synchronous method waits where another caller's flight is under way, as it would at a lock.</remarks>
internal sealed class CachedMethod<T>(
    MethodSignature signature, string operation, CachedAttribute attribute, MethodTemplate[] tags, MethodTemplate? user, string methodTag) : InterceptedMethod
{
    private readonly EntryOptions? _constant = user is null && tags.All(tag => tag.IsConstant) ? Options(attribute, tags, methodTag, []) : null;

    public override object? Invoke(LarderCache cache, Caller caller, object?[] arguments)
    {
        string? current = attribute.Shared ? null : caller.User;
        string? named = user?.Fill(arguments) is { Length: > 0 } id ? id : null;
        string? owner = named ?? current;
        if (owner?.Length > TagRules.MaxUserLength)
        {
            cache.Reasons.Count(Reason.BypassKey);
            return signature.Call(caller.Target, arguments);
        }
        CacheKey key = cache.Keys.ForEndpoint(operation, ParametersOf(arguments, named is null ? null : current), owner);
        ValueTask<T> result = cache.GetOrCreateAsync(
            key, (signature, Run: caller.Begin(current), arguments),
            static (call, token) => call.Run.RunAsync(target => CallAsync(call.signature, target, call.arguments, token)),
            _constant ?? Options(attribute, tags, methodTag, arguments), signature.TokenOf(arguments));
        return signature.Shape switch
        {
            ReturnShape.TaskOf => result.AsTask(),
            ReturnShape.ValueTaskOf => result,
            _ => result.IsCompleted ? result.GetAwaiter().GetResult() : result.AsTask().GetAwaiter().GetResult(),
        };
    }

    /// <param name="current">The current user, where that is not the one the key is of: under a name that no parameter has.</param>
    private KeyParameters ParametersOf(object?[] arguments, string? current)
    {
        int count = signature.KeyParameters.Length;
        var parameters = new (string, object?)[current is null ? count : count + 1];
        if (current is not null) parameters[count] = ("@", current);
        for (int i = 0; i < count; i++) parameters[i] = (signature.KeyParameters[i].Name ?? "", arguments[signature.KeyParameters[i].Position]);
        return KeyParameters.Create(parameters);
    }

    private static ValueTask<T> CallAsync(MethodSignature signature, object target, object?[] arguments, CancellationToken token)
    {
        object? result = signature.Call(target, arguments, token);
        return signature.Shape switch
        {
            ReturnShape.TaskOf => new((Task<T>)result!),
            ReturnShape.ValueTaskOf => (ValueTask<T>)result!,
            _ => new((T)result!),
        };
    }

    private static EntryOptions Options(CachedAttribute attribute, MethodTemplate[] tags, string methodTag, object?[] arguments) => new()
    {
        Ttl = attribute.TtlSeconds > 0 ? TimeSpan.FromSeconds(attribute.TtlSeconds) : null,
        Tags = [TagRules.Exact(methodTag), .. tags.Select(tag => tag.FillTag(arguments))],
        OwnTags = 1,
        ShareInstance = attribute.ShareInstance,
    };
}

/// <summary>A call after whose success something is invalidated, before its caller learns of it.</summary>
internal sealed class InvalidatingMethod<T>(
    MethodSignature signature, MethodTemplate[] tags, MethodTemplate[] keys, string[] methodTags, MethodTemplate? user) : InterceptedMethod
{
    /// <summary>What the history of invalidations says of them.</summary>
    private readonly string _why = Shortened($"{signature.Method.DeclaringType?.Name}.{signature.Method.Name}");

    public override object? Invoke(LarderCache cache, Caller caller, object?[] arguments)
    {
        object? result = signature.Call(caller.Target, arguments);
        switch (signature.Shape)
        {
            case ReturnShape.Task:
                return AfterAsync((Task)result!, cache, arguments);
            case ReturnShape.TaskOf:
                return AfterAsync((Task<T>)result!, cache, arguments);
            case ReturnShape.ValueTask:
                return new ValueTask(AfterAsync(((ValueTask)result!).AsTask(), cache, arguments));
            case ReturnShape.ValueTaskOf:
                return new ValueTask<T>(AfterAsync(((ValueTask<T>)result!).AsTask(), cache, arguments));
            default:
                Task invalidating = InvalidateAsync(cache, arguments);
                invalidating.GetAwaiter().GetResult();
                return result;
        }
    }

    private static string Shortened(string why) => why.Length <= InvalidationHistory.MaxReasonLength ? why : why[..InvalidationHistory.MaxReasonLength];

    private async Task AfterAsync(Task call, LarderCache cache, object?[] arguments)
    {
        await call.ConfigureAwait(false);
        await InvalidateAsync(cache, arguments).ConfigureAwait(false);
    }

    private async Task<T> AfterAsync(Task<T> call, LarderCache cache, object?[] arguments)
    {
        T result = await call.ConfigureAwait(false);
        await InvalidateAsync(cache, arguments).ConfigureAwait(false);
        return result;
    }

    /// <summary>Not cancelled with the call: the write has taken place.</summary>
    private async Task InvalidateAsync(LarderCache cache, object?[] arguments)
    {
        foreach (Invalidation what in methodTags.Select(Invalidation.ExactTag).Concat(tags.Select(template => Invalidation.Tag(template.FillTag(arguments)))))
            await cache.InvalidateAsync(what, _why, cancellationToken: CancellationToken.None).ConfigureAwait(false);
        foreach (string key in keys.Select(template => template.Fill(arguments)).Where(key => key.Length > 0 && key.Length <= cache.Options.MaxKeyLength))
            await cache.InvalidateAsync(Invalidation.Key(key), _why, cancellationToken: CancellationToken.None).ConfigureAwait(false);
        // Nothing is kept for a user whose name is longer.
        if (user?.Fill(arguments) is { Length: > 0 and <= TagRules.MaxUserLength } owner)
            await cache.InvalidateAsync(Invalidation.User(owner), _why, cancellationToken: CancellationToken.None).ConfigureAwait(false);
    }
}
