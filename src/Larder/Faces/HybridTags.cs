using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Judges the tags of <see cref="LarderHybridCache"/>. What the framework's own cache refuses is refused: blank tags and <c>*</c>.
/// What that one takes and Larder can't must not break a call: the value is handed out and not stored.
/// </summary>
/// <remarks>
/// Others may wait for such a value while it is made. So that they are given none that was made before an invalidation, it keeps its
/// tags, and <see cref="Refused"/> besides: that is what the removal of a tag that Larder can't hold covers.
/// </remarks>
internal sealed class HybridTags(int most, ILogger logger)
{
    private const string Refused = "hybrid:refused";

    private int _told;

    /// <summary>Why an entry with the tags can't be stored.</summary>
    [Flags]
    private enum Kind
    {
        None = 0,
        TooMany = 1,
        TooLong = 2,
        Exact = 4,
        Control = 8,
    }

    /// <summary>The options with the tags; a problem that was not told of yet is logged, without the tag.</summary>
    /// <exception cref="ArgumentException">A tag is blank or <c>*</c>, as with the framework's own cache.</exception>
    public EntryOptions Apply(EntryOptions options, IEnumerable<string> tags)
    {
        string[] list = [.. tags];
        Kind kind = list.Length > most ? Kind.TooMany : Kind.None;
        foreach (string tag in list)
        {
            if (string.IsNullOrWhiteSpace(tag)) throw new ArgumentException("A tag must not be empty or blank.", nameof(tags));
            if (tag == "*") throw new ArgumentException("The tag '*' stands for everything and can't be given to an entry.", nameof(tags));
            kind |= KindOf(tag);
        }
        if (kind == Kind.None) return options with { Tags = list };
        Tell(kind);
        return options with
        {
            // Long ones are cut: what nothing limits would be looked up, piece by piece, for each who waits.
            Tags = [.. list.Select(tag => tag.Length <= TagRules.MaxLength ? tag : tag[..TagRules.MaxLength]), TagRules.Exact(Refused)],
            OwnTags = list.Length + 1,
            Refused = kind == Kind.TooMany ? Reason.UnstoredTooManyTags : Reason.UnstoredTag,
        };
    }

    /// <summary>What the removal of a tag covers; null for a blank one, which covers nothing.</summary>
    public static Invalidation? CoveredBy(string? tag) =>
        string.IsNullOrWhiteSpace(tag) ? null
        : tag == "*" ? Invalidation.All
        : KindOf(tag) == Kind.None ? Invalidation.Tag(tag)
        : Invalidation.ExactTag(Refused);

    private static Kind KindOf(string tag) =>
        TagRules.Problem(tag) is null ? Kind.None
        : tag.Length > TagRules.MaxLength ? Kind.TooLong
        : tag[0] == TagRules.ExactPrefix ? Kind.Exact
        : Kind.Control;

    private void Tell(Kind kinds)
    {
        Kind untold = kinds & ~(Kind)Interlocked.Or(ref _told, (int)kinds);
        if ((untold & Kind.TooMany) != 0)
            Log.TagsRefused(logger, $"more than {most} tags", $"Give it fewer, or raise {nameof(LarderOptions)}.{nameof(LarderOptions.MaxTags)}.");
        if ((untold & Kind.TooLong) != 0)
            Log.TagsRefused(logger, $"a tag of more than {TagRules.MaxLength} characters", "Shorten it, for instance to its hash.");
        if ((untold & Kind.Exact) != 0)
            Log.TagsRefused(logger, $"a tag that begins with '{TagRules.ExactPrefix}'", "Put another character in front of it.");
        if ((untold & Kind.Control) != 0)
            Log.TagsRefused(logger, "a tag with control characters", "Remove or escape them.");
    }
}
