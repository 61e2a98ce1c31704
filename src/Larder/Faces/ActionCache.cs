using System.Collections.Frozen;

namespace Larder;

/// <summary>
/// Caches APIs whose calls are actions: <c>prompt.list</c> is a read and cached, <c>prompt.create</c> a write, after whose
/// success the reads of its resource are made anew.
/// </summary>
/// <remarks>
/// An action is a name of parts separated by dots; the last part is what is done, those before it the resource. Parts consist
/// of ASCII letters, digits, <c>_</c> and <c>-</c>; the whole has at most 200 characters. Reads carry the tag
/// <c>action:resource</c> with a level for each part, <c>action:shop:prompt</c>: a write covers its resource and what lies
/// below it (<c>shop.prompt.comment.list</c>), for all users, and fills that are under way. Thread-safe.
/// </remarks>
public sealed class ActionCache
{
    /// <summary>Longest action, in characters.</summary>
    public const int MaxActionLength = ActionPattern.MaxActionLength;

    private const string TagRoot = "action";

    private readonly LarderCache _cache;
    private readonly FrozenSet<string> _writeVerbs;
    /// <summary>The longest patterns first.</summary>
    private readonly TtlRule[] _rules;

    private readonly record struct TtlRule(ActionPattern Pattern, TimeSpan Ttl);

    /// <summary>Over a cache, whose limits and defaults hold.</summary>
    /// <param name="cache">Where results are kept.</param>
    /// <param name="options">Lifetimes and verbs, read once; the defaults where null.</param>
    /// <exception cref="ArgumentException">A pattern, lifetime or verb can't work; the message names each.</exception>
    public ActionCache(LarderCache cache, ActionCacheOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(cache);
        options ??= new();
        var problems = new List<string>();
        foreach ((string pattern, TimeSpan ttl) in options.Ttls)
        {
            if (!ActionPattern.IsPattern(pattern)) problems.Add($"'{pattern}' is no pattern; patterns are an action, '*.ending', 'beginning.*' and '*'.");
            if (ttl < TimeSpan.Zero || ttl > EntryRules.Longest) problems.Add($"The lifetime of '{pattern}' is {ttl}; allowed is zero (never cached) to 365 days.");
        }
        foreach (string verb in options.WriteVerbs)
            if (!ActionPattern.IsAction(verb) || verb.Contains('.')) problems.Add($"'{verb}' is no verb; a verb is the last part of actions.");
        if (problems.Count > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        _cache = cache;
        _writeVerbs = options.WriteVerbs.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _rules = [.. options.Ttls.Select(pair => new TtlRule(new(pair.Key), pair.Value)).OrderByDescending(rule => rule.Pattern.Text.Length)];
    }

    /// <summary>Whether an action changes something.</summary>
    /// <exception cref="ArgumentException">It is no action: see the remarks of this class.</exception>
    public bool IsWrite(string action)
    {
        Check(action);
        return _writeVerbs.GetAlternateLookup<ReadOnlySpan<char>>().Contains(action.AsSpan(action.LastIndexOf('.') + 1));
    }

    /// <summary>How long the results of an action are kept; zero where they are not.</summary>
    /// <exception cref="ArgumentException">It is no action: see the remarks of this class.</exception>
    public TimeSpan TtlOf(string action)
    {
        if (IsWrite(action)) return TimeSpan.Zero;
        foreach (TtlRule rule in _rules)
            if (rule.Pattern.Matches(action)) return rule.Ttl;
        return TimeSpan.Zero;
    }

    /// <summary>
    /// Runs an action. A read returns what is kept for the same action, parameters and user, or what its handler makes. A write
    /// always runs its handler and, when that has succeeded, ends the reads of its resource before it returns; when it throws, nothing is invalidated.
    /// </summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="action">The action, such as <c>prompt.list</c>.</param>
    /// <param name="parameters">Everything that the result depends on besides the user.</param>
    /// <param name="user">Whom the result is for, not empty; null where everybody gets the same.</param>
    /// <param name="handler">Carries the action out.</param>
    /// <param name="cancellationToken">Ends the waiting of this caller; of a write, whatever its handler makes of it.</param>
    /// <exception cref="ArgumentException">It is no action, or a parameter or the user can't be part of a key.</exception>
    public ValueTask<T> RunAsync<T>(
        string action, KeyParameters parameters, string? user, Func<CancellationToken, ValueTask<T>> handler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (IsWrite(action)) return WriteAsync(action, handler, cancellationToken);
        TimeSpan ttl = TtlOf(action);
        return ttl == TimeSpan.Zero
            ? handler(cancellationToken)
            : _cache.GetOrCreateAsync(
                _cache.Keys.ForEndpoint(action, parameters, user), handler, static (make, token) => make(token),
                new() { Ttl = ttl, Tags = [TagOf(action)], User = user }, cancellationToken);
    }

    private async ValueTask<T> WriteAsync<T>(string action, Func<CancellationToken, ValueTask<T>> handler, CancellationToken cancellationToken)
    {
        T result = await handler(cancellationToken).ConfigureAwait(false);
        // Not cancelled with the call: the write has taken place.
        await _cache.InvalidateAsync(Invalidation.Tag(TagOf(action)), action, cancellationToken: CancellationToken.None).ConfigureAwait(false);
        return result;
    }

    /// <summary>The tag of an action's resource; an action without one belongs to all.</summary>
    private static string TagOf(string action)
    {
        int end = action.LastIndexOf('.');
        return end < 0 ? TagRoot : $"{TagRoot}:{action[..end].Replace('.', ':')}";
    }

    private static void Check(string action)
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        if (!ActionPattern.IsAction(action))
            throw new ArgumentException($"This is no action: one has parts of letters, digits, '_' and '-', separated by dots, and at most {MaxActionLength} characters. What varies belongs to the parameters.", nameof(action));
    }
}
