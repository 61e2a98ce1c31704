namespace Larder;

/// <summary>What an invalidation is aimed at.</summary>
public enum InvalidationKind : byte
{
    /// <summary>One key.</summary>
    Key,
    /// <summary>Everything with a tag, or with a tag below it.</summary>
    Tag,
    /// <summary>Everything with at least one of several tags.</summary>
    AnyTag,
    /// <summary>Everything with all of several tags.</summary>
    AllTags,
    /// <summary>Every key that begins with a text.</summary>
    Prefix,
    /// <summary>Every key that a glob matches.</summary>
    Glob,
    /// <summary>Every key that a regular expression matches.</summary>
    Regex,
    /// <summary>Everything kept for a user.</summary>
    User,
    /// <summary>Everything.</summary>
    All,
}

/// <summary>
/// One event of the invalidation log: what it covers, and whether it removes that or only makes it stale
/// (<see cref="Soft"/>). Immutable; one instance may be used any number of times.
/// </summary>
/// <remarks>
/// Tags are hierarchical by <c>:</c> and compared without regard to case: <c>user:1</c> covers <c>user:1:profile</c>, not
/// <c>user:12</c>. A tag has 1 to 256 characters, no control characters, and does not begin with <c>=</c>.
/// </remarks>
public sealed class Invalidation
{
    /// <summary>Most tags of one event.</summary>
    public const int MaxTags = 1000;

    /// <summary>Longest prefix or pattern, in characters.</summary>
    public const int MaxPatternLength = PatternMatcher.MaxLength;

    /// <summary>Longest key, in characters: the longest that any cache keeps.</summary>
    private const int MaxKeyLength = 65_536;

    private readonly string[] _tags;
    private readonly PatternMatcher? _matcher;

    private Invalidation(InvalidationKind kind, string subject, string[]? tags = null, PatternMatcher? matcher = null, bool isSoft = false)
    {
        Kind = kind;
        Subject = subject;
        _tags = tags ?? [];
        _matcher = matcher;
        IsSoft = isSoft;
    }

    /// <summary>What it is aimed at.</summary>
    public InvalidationKind Kind { get; }

    /// <summary>The key, tag, prefix, pattern or user; several tags with a comma and a blank between them; empty for all.</summary>
    public string Subject { get; }

    /// <summary>The tags of <see cref="InvalidationKind.Tag"/>, <see cref="InvalidationKind.AnyTag"/> and <see cref="InvalidationKind.AllTags"/>, each once; otherwise empty.</summary>
    public IReadOnlyList<string> Tags => _tags;

    /// <summary>Whether entries become stale instead of being removed.</summary>
    public bool IsSoft { get; }

    /// <summary>Everything.</summary>
    public static Invalidation All { get; } = new(InvalidationKind.All, "");

    /// <summary>One key.</summary>
    /// <exception cref="ArgumentException">The key is empty or longer than 65,536 characters.</exception>
    public static Invalidation Key(string key) => new(InvalidationKind.Key, Text(key, MaxKeyLength, "key"));

    /// <summary>One key, whoever's it is.</summary>
    /// <exception cref="ArgumentException">The key is empty or longer than 65,536 characters.</exception>
    public static Invalidation Key(CacheKey key) => Key(key.Text);

    /// <summary>Everything tagged <paramref name="tag"/> or <c>tag:…</c>.</summary>
    /// <exception cref="ArgumentException">It is no tag: see the remarks of this class.</exception>
    public static Invalidation Tag(string tag) => new(InvalidationKind.Tag, tag, TagList([tag], nameof(tag)));

    /// <summary>Everything that carries at least one of the tags, or one below it. As quick for readers as <see cref="Tag"/>.</summary>
    /// <exception cref="ArgumentException">There is no tag, there are more than <see cref="MaxTags"/>, or one is none.</exception>
    public static Invalidation AnyTag(params IEnumerable<string> tags) => OfTags(InvalidationKind.AnyTag, tags);

    /// <summary>Everything that carries each of the tags, or one below it.</summary>
    /// <exception cref="ArgumentException">There is no tag, there are more than <see cref="MaxTags"/>, or one is none.</exception>
    public static Invalidation AllTags(params IEnumerable<string> tags) => OfTags(InvalidationKind.AllTags, tags);

    /// <summary>Every key that begins with <paramref name="prefix"/>, character by character; no sign has a meaning.</summary>
    /// <exception cref="ArgumentException">The prefix is empty or longer than 1,000 characters.</exception>
    public static Invalidation Prefix(string prefix) => new(InvalidationKind.Prefix, Text(prefix, MaxPatternLength, "prefix"));

    /// <summary>Every key that <paramref name="glob"/> matches whole: <c>*</c> is any text, <c>?</c> one character.</summary>
    /// <exception cref="ArgumentException">The glob is empty or longer than 1,000 characters.</exception>
    public static Invalidation Glob(string glob) => new(InvalidationKind.Glob, Text(glob, MaxPatternLength, "glob"), matcher: PatternMatcher.Glob(glob));

    /// <summary>Every key in which <paramref name="regex"/> matches somewhere; run without backtracking, in time linear in the key.</summary>
    /// <exception cref="ArgumentException">
    /// The expression is empty, longer than 1,000 characters or longer than that when its counted repetitions are written
    /// out, malformed, or needs backtracking (look-around, back-references).
    /// </exception>
    public static Invalidation Regex(string regex) =>
        new(InvalidationKind.Regex, Text(regex, MaxPatternLength, "regular expression"), matcher: PatternMatcher.Regex(regex));

    /// <summary>Everything kept for <paramref name="user"/>.</summary>
    /// <exception cref="ArgumentException">The user is empty or longer than 1,024 characters.</exception>
    public static Invalidation User(string user) => new(InvalidationKind.User, Text(user, TagRules.MaxUserLength, "user"));

    /// <summary>The tag of one name that no caller can give (<see cref="TagRules.Exact"/>).</summary>
    internal static Invalidation ExactTag(string name)
    {
        string tag = TagRules.Exact(name);
        return new(InvalidationKind.Tag, tag, [tag]);
    }

    /// <summary>An exact tag as it stands in the log of another node.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    internal static Invalidation OfExactTag(string tag) =>
        tag.Length is > 1 and <= TagRules.MaxLength && tag[0] == TagRules.ExactPrefix
            ? new(InvalidationKind.Tag, tag, [tag])
            : throw new ArgumentException("An exact tag begins with its sign and has a name.", nameof(tag));

    /// <summary>
    /// The same, but what it covers becomes stale instead of being removed: its freshness ended at the instant of this
    /// event, and it may still be served within its stale windows. What has none is removed.
    /// </summary>
    public Invalidation Soft() => IsSoft ? this : new(Kind, Subject, _tags, _matcher, isSoft: true);

    /// <summary>The kind and what it is aimed at.</summary>
    public override string ToString() =>
        (IsSoft ? "soft " : "") + Kind switch
        {
            InvalidationKind.All => "all",
            InvalidationKind.AnyTag => "any tag of ",
            InvalidationKind.AllTags => "all tags of ",
            _ => Kind.ToString().ToLowerInvariant() + ' ',
        } + Subject;

    /// <summary>Whether it covers an entry; for the kinds that the index asks one by one.</summary>
    /// <param name="name">The entry's logical key.</param>
    /// <param name="tags">The entry's tags.</param>
    internal bool Matches(ReadOnlySpan<char> name, ReadOnlySpan<string> tags)
    {
        switch (Kind)
        {
            case InvalidationKind.Prefix:
                return name.StartsWith(Subject);
            case InvalidationKind.AllTags:
                foreach (string wanted in _tags)
                    if (!TagRules.Carries(tags, wanted)) return false;
                return true;
            default:
                return _matcher!.IsMatch(name);
        }
    }

    private static Invalidation OfTags(InvalidationKind kind, IEnumerable<string> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        string[] list = TagList(tags, nameof(tags));
        return new(kind, string.Join(", ", list), list);
    }

    private static string[] TagList(IEnumerable<string> tags, string parameter)
    {
        var list = new List<string>();
        var known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string tag in tags)
        {
            ArgumentNullException.ThrowIfNull(tag, parameter);
            if (TagRules.Problem(tag) is { } problem) throw new ArgumentException(problem, parameter);
            if (known.Add(tag)) list.Add(tag);
            if (list.Count > MaxTags) throw new ArgumentException($"An invalidation may name {MaxTags} tags; split it into several.", parameter);
        }
        if (list.Count == 0) throw new ArgumentException("Name at least one tag; for everything there is Invalidation.All.", parameter);
        return [.. list];
    }

    private static string Text(string text, int most, string what)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        return text.Length <= most ? text : throw new ArgumentException($"The {what} has {text.Length} characters; at most {most} are allowed.", nameof(text));
    }
}
