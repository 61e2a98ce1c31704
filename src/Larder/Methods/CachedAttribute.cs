namespace Larder;

/// <summary>
/// The results of this method are cached, under the implementation's type, its name and its arguments; its cancellation token is
/// not among them. Read by <c>AddCachedInterface</c> from methods of interfaces.
/// </summary>
/// <remarks>
/// Whatever else a result depends on, the current user above all, must be told, by <see cref="User"/> or when the interface is
/// registered: callers with equal arguments get one result. Templates name arguments in braces, and their properties:
/// <c>user:{id}</c>, <c>order:{order.Id}</c>. What stands for a name in a tag can't add a level to it.
/// </remarks>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CachedAttribute : Attribute
{
    /// <summary>How long a result lives, in seconds; the cache's default when 0.</summary>
    public double TtlSeconds { get; init; }

    /// <summary>Templates of the tags that a result carries.</summary>
    public string[] Tags { get; init; } = [];

    /// <summary>A template of the user whose data a result is: <c>{userId}</c>.</summary>
    public string? User { get; init; }

    /// <summary>
    /// What the keys begin with; the interface's and the method's name with the implementation's by default. No other method of the
    /// cache may have it.
    /// </summary>
    public string? Operation { get; init; }

    /// <summary>Whether all users get the same result: what is registered for the current user does not count for this method then.</summary>
    public bool Shared { get; init; }

    /// <summary>Hands out one instance of a result to all callers although its type is mutable; see <see cref="EntryOptions.ShareInstance"/>.</summary>
    public bool ShareInstance { get; init; }
}
