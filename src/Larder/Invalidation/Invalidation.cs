using System.Text.RegularExpressions;

namespace Larder;

/// <summary>What an invalidation is aimed at.</summary>
public enum InvalidationKind : byte
{
    /// <summary>One key.</summary>
    Key,
    /// <summary>Everything with a tag, or with a tag below it.</summary>
    Tag,
    /// <summary>Every key that a pattern matches.</summary>
    Pattern,
    /// <summary>Everything kept for a user.</summary>
    User,
    /// <summary>Everything.</summary>
    All,
}

/// <summary>One event of the invalidation log: what it covers.</summary>
public sealed class Invalidation
{
    private Invalidation(InvalidationKind kind, string subject, PatternMatcher? matcher = null)
    {
        Kind = kind;
        Subject = subject;
        Matcher = matcher;
    }

    /// <summary>What it is aimed at.</summary>
    public InvalidationKind Kind { get; }

    /// <summary>The key, tag, pattern or user; empty for all.</summary>
    public string Subject { get; }

    internal PatternMatcher? Matcher { get; }

    /// <summary>Everything.</summary>
    public static Invalidation All { get; } = new(InvalidationKind.All, "");

    /// <summary>One key.</summary>
    public static Invalidation Key(string key) => new(InvalidationKind.Key, NotEmpty(key));

    /// <summary>Everything tagged <paramref name="tag"/> or <c>tag:…</c>.</summary>
    public static Invalidation Tag(string tag) => new(InvalidationKind.Tag, NotEmpty(tag));

    /// <summary>Everything kept for <paramref name="user"/>.</summary>
    public static Invalidation User(string user) => new(InvalidationKind.User, NotEmpty(user));

    /// <summary>Every key that <paramref name="glob"/> matches whole: <c>*</c> is any text, <c>?</c> one character.</summary>
    /// <exception cref="ArgumentException">The glob is empty or longer than 1,000 characters.</exception>
    public static Invalidation Glob(string glob) => new(InvalidationKind.Pattern, NotEmpty(glob), PatternMatcher.Glob(glob));

    /// <summary>Every key in which <paramref name="regex"/> matches somewhere; run without backtracking, in time linear in the key.</summary>
    /// <exception cref="ArgumentException">The expression is empty, longer than 1,000 characters, malformed, or needs backtracking (look-around, back-references).</exception>
    public static Invalidation Regex(string regex) => new(InvalidationKind.Pattern, NotEmpty(regex), PatternMatcher.Regex(regex));

    /// <summary>The kind and what it is aimed at.</summary>
    public override string ToString() => Kind == InvalidationKind.All ? "all" : $"{Kind.ToString().ToLowerInvariant()} {Subject}";

    private static string NotEmpty(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        return text;
    }
}

/// <summary>What became of an invalidation.</summary>
/// <param name="Position">Its place in the log: whoever has seen it sees no older value.</param>
/// <param name="Removed">How many entries left this process's memory; null when nobody asked for the count.</param>
public readonly record struct InvalidationResult(Position Position, int? Removed);
