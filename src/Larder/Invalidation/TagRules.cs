using System.Runtime.InteropServices;
using System.Security.Cryptography;

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

    /// <summary>Longest name of a user; the subject of a token has at most 255 characters.</summary>
    public const int MaxUserLength = 1024;

    /// <summary>The exact tag of a name; long names by their hash, so that whoever invalidates many long URLs fills no memory.</summary>
    public static string Exact(string name) =>
        ExactPrefix + (name.Length < MaxLength ? name : Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(name.AsSpan()))));

    /// <summary>Whether an entry has more tags than allowed; exact ones are the cache's own and do not count.</summary>
    public static bool AreTooMany(IReadOnlyList<string> tags, int most) =>
        tags.Count > most && tags.Count(tag => tag.Length == 0 || tag[0] != ExactPrefix) > most;

    /// <summary>Whether one of the tags is <paramref name="wanted"/> or lies below it.</summary>
    public static bool Carries(ReadOnlySpan<string> tags, string wanted)
    {
        foreach (string tag in tags)
            if (tag.StartsWith(wanted, StringComparison.OrdinalIgnoreCase)
                && (tag.Length == wanted.Length || tag[wanted.Length] == ':' && tag[0] != ExactPrefix)) return true;
        return false;
    }

    /// <summary>Why a caller's tag is not allowed; null when it is.</summary>
    public static string? Problem(string? tag) => tag switch
    {
        null or "" => "A tag must not be empty.",
        { Length: > MaxLength } => $"A tag may have {MaxLength} characters; this one has {tag.Length}.",
        _ when tag[0] == ExactPrefix => $"A tag must not begin with '{ExactPrefix}'.",
        _ when HasControls(tag) => "A tag must not contain control characters.",
        _ => null,
    };

    /// <summary>A loop: every call with tags that is no plain hit asks, and neither an enumerator nor, in code that is not optimised yet, boxed bounds are to cost it anything.</summary>
    private static bool HasControls(string tag)
    {
        foreach (char c in tag)
            if (char.IsControl(c)) return true;
        return false;
    }
}
