namespace Larder;

/// <summary>
/// When this method has succeeded, and before its caller learns of it, what is named here is no longer served. When it
/// throws, nothing is invalidated. Read by <c>AddCachedInterface</c> from methods of interfaces.
/// </summary>
/// <remarks>Templates name arguments in braces, as they are when the method has ended: <c>user:{id}</c>, <c>order:{order.Id}</c>.</remarks>
[AttributeUsage(AttributeTargets.Method)]
public sealed class InvalidatesAttribute : Attribute
{
    /// <summary>Templates of tags; they cover the tags below them, too.</summary>
    public string[] Tags { get; init; } = [];

    /// <summary>Templates of keys, as they were stored by the program itself.</summary>
    public string[] Keys { get; init; } = [];

    /// <summary>Names of cached methods of the same interface, all of whose results are meant.</summary>
    public string[] Methods { get; init; } = [];

    /// <summary>A template of a user, everything kept for whom is meant.</summary>
    public string? User { get; init; }
}
