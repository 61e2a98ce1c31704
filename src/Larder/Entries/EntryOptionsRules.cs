namespace Larder;

/// <summary>What a caller's options must be like.</summary>
internal static class EntryOptionsRules
{
    private static readonly EntryOptions Default = new();

    /// <summary>The options, or the default ones where there are none.</summary>
    /// <exception cref="ArgumentException">They can't work.</exception>
    public static EntryOptions Checked(EntryOptions? options)
    {
        if (options is null) return Default;
        if (options.Ttl <= TimeSpan.Zero) throw new ArgumentException($"A lifetime must be positive; {options.Ttl} is not.", nameof(options));
        if (options.Size < 0) throw new ArgumentException($"A size must not be negative; {options.Size} is.", nameof(options));
        if (options.User?.Length > TagRules.MaxUserLength) throw new ArgumentException($"A user may have {TagRules.MaxUserLength} characters; this one has {options.User.Length}.", nameof(options));
        foreach (string tag in options.Tags)
            if (TagRules.Problem(tag) is { } problem) throw new ArgumentException(problem, nameof(options));
        return options;
    }
}
