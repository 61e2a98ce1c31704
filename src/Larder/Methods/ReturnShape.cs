using System.Diagnostics.CodeAnalysis;

namespace Larder;

/// <summary>How a method hands over its result.</summary>
internal enum ReturnShape : byte
{
    Void,
    Value,
    Task,
    TaskOf,
    ValueTask,
    ValueTaskOf,
}

/// <summary>The shapes of return types, and the types within them.</summary>
internal static class ReturnShapes
{
    /// <summary>The shape of a return type, and the type of the result; <see cref="object"/> where there is none.</summary>
    public static (ReturnShape Shape, Type Result) Of(Type type)
    {
        if (type == typeof(void)) return (ReturnShape.Void, typeof(object));
        if (type == typeof(Task)) return (ReturnShape.Task, typeof(object));
        if (type == typeof(ValueTask)) return (ReturnShape.ValueTask, typeof(object));
        Type? open = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (open == typeof(Task<>)) return (ReturnShape.TaskOf, type.GetGenericArguments()[0]);
        if (open == typeof(ValueTask<>)) return (ReturnShape.ValueTaskOf, type.GetGenericArguments()[0]);
        return (ReturnShape.Value, type);
    }

    public static bool HasResult(this ReturnShape shape) => shape is ReturnShape.Value or ReturnShape.TaskOf or ReturnShape.ValueTaskOf;

    /// <summary>Whether the result is read after the call, once, so that it can neither be kept nor be known to have ended well.</summary>
    [RequiresUnreferencedCode("Looks at the interfaces of a type.")]
    public static bool IsReadLater(Type result) =>
        typeof(Stream).IsAssignableFrom(result)
        || result.GetInterfaces().Append(result).Any(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>));
}
