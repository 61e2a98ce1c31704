namespace Larder;

/// <summary>The rules of tags.</summary>
internal static class TagRules
{
    /// <summary>
    /// A tag that begins so names one thing exactly and has no ancestors: the URL that all variants of a response
    /// share. Callers can't make one.
    /// </summary>
    public const char ExactPrefix = '=';

    public const int MaxLength = 256;

    public static string Exact(string name) => ExactPrefix + name;

    /// <summary>Why a caller's tag is not allowed; null when it is.</summary>
    public static string? Problem(string? tag) => tag switch
    {
        null or "" => "A tag must not be empty.",
        { Length: > MaxLength } => $"A tag may have {MaxLength} characters; this one has {tag.Length}.",
        _ when tag[0] == ExactPrefix => $"A tag must not begin with '{ExactPrefix}'.",
        _ when tag.AsSpan().ContainsAnyInRange('\0', '\u001f') => "A tag must not contain control characters.",
        _ => null,
    };
}
