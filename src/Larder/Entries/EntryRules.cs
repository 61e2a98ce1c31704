using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>What holds for one entry: what the call says, else what the cache's template says, else the defaults.</summary>
internal readonly struct EntryRules(EntryOptions own, EntryOptions template, TimeSpan defaultTtl)
{
    /// <summary>Longest time that an option may name.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    /// <summary>Options that say nothing.</summary>
    public static readonly EntryOptions None = new();

    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromSeconds(2);
    /// <summary>For runs that nobody waits for.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);

    public EntryOptions Own => own;

    public TimeSpan Ttl => own.Ttl ?? defaultTtl;

    public double Jitter => own.Jitter ?? template.Jitter ?? 0;

    public double? EagerRefresh => own.EagerRefresh ?? template.EagerRefresh;

    public TimeSpan StaleWhileRevalidate => own.StaleWhileRevalidate ?? template.StaleWhileRevalidate ?? TimeSpan.Zero;

    public TimeSpan StaleIfError => own.StaleIfError ?? template.StaleIfError ?? TimeSpan.Zero;

    public TimeSpan? SoftTimeout => own.SoftTimeout ?? template.SoftTimeout;

    public TimeSpan? HardTimeout => own.HardTimeout ?? template.HardTimeout;

    public TimeSpan WaitForOtherNodes => own.WaitForOtherNodes ?? template.WaitForOtherNodes ?? TimeSpan.Zero;

    public TimeSpan RetryAfter => own.RetryAfter ?? template.RetryAfter ?? DefaultRetryAfter;

    public TimeSpan FailureTtl => own.FailureTtl ?? template.FailureTtl ?? TimeSpan.Zero;

    public bool StoreNull => own.StoreNull ?? template.StoreNull ?? false;

    public Func<object?, bool>? StoreWhen => own.StoreWhen ?? template.StoreWhen;

    /// <summary>How long a run may take; one that nobody waits for always has a limit.</summary>
    public TimeSpan? LimitOf(bool inBackground) => HardTimeout ?? (inBackground ? DefaultLimit : null);

    public EntryRules With(EntryOptions options) => new(options, template, defaultTtl);

    /// <summary>The rules of a caller's options, which are checked.</summary>
    /// <exception cref="ArgumentException">Options are out of range, or a tag is not allowed.</exception>
    public static EntryRules Checked(EntryOptions? options, EntryOptions template, TimeSpan defaultTtl)
    {
        if (options is not null) Check(options);
        return new(options ?? None, template, defaultTtl);
    }

    /// <summary>Refuses what can't work, naming each option, its value and its range.</summary>
    /// <exception cref="ArgumentException">Options are out of range, or a tag is not allowed.</exception>
    public static void Check(EntryOptions options, [CallerArgumentExpression(nameof(options))] string? parameter = null)
    {
        if (Problems(options) is { } problems) throw new ArgumentException(string.Join(' ', problems), parameter);
    }

    /// <summary>Everything that is wrong with the options; null, without an allocation, when nothing is.</summary>
    public static List<string>? Problems(EntryOptions options)
    {
        List<string>? problems = null;
        if (options.Ttl is { } ttl && (ttl <= TimeSpan.Zero || ttl > Longest && ttl != TimeSpan.MaxValue))
            Add($"{nameof(EntryOptions.Ttl)} is {ttl}; allowed is more than zero to 365 days, or TimeSpan.MaxValue for ever.");
        CheckShare(options.Jitter, 0, 1, nameof(EntryOptions.Jitter));
        CheckShare(options.EagerRefresh, 0.01, 0.99, nameof(EntryOptions.EagerRefresh));
        CheckSpan(options.StaleWhileRevalidate, nameof(EntryOptions.StaleWhileRevalidate));
        CheckSpan(options.StaleIfError, nameof(EntryOptions.StaleIfError));
        CheckTimeout(options.SoftTimeout, nameof(EntryOptions.SoftTimeout));
        CheckTimeout(options.HardTimeout, nameof(EntryOptions.HardTimeout));
        CheckSpan(options.WaitForOtherNodes, nameof(EntryOptions.WaitForOtherNodes));
        CheckSpan(options.RetryAfter, nameof(EntryOptions.RetryAfter));
        CheckSpan(options.FailureTtl, nameof(EntryOptions.FailureTtl));
        if (options.Size < 0) Add(FormattableString.Invariant($"{nameof(EntryOptions.Size)} is {options.Size}; allowed is zero or more bytes."));
        if (options.User?.Length > TagRules.MaxUserLength) Add($"{nameof(EntryOptions.User)} has {options.User.Length} characters; allowed are {TagRules.MaxUserLength}.");
        if (options.User is "") Add($"{nameof(EntryOptions.User)} is empty; name whose data it is, or leave it null.");
        if (options.Tags is null) Add($"{nameof(EntryOptions.Tags)} is null; an entry without tags has an empty list.");
        else
            for (int i = options.OwnTags; i < options.Tags.Count; i++)
                if (TagRules.Problem(options.Tags[i]) is { } problem) Add(problem);
        return problems;

        void Add(string problem) => (problems ??= []).Add(problem);

        void CheckShare(double? share, double least, double most, string option)
        {
            if (share is { } given && !(given >= least && given <= most)) Add(FormattableString.Invariant($"{option} is {given}; allowed is {least} to {most}."));
        }

        void CheckSpan(TimeSpan? span, string option)
        {
            if (span < TimeSpan.Zero || span > Longest) Add($"{option} is {span}; allowed is zero to 365 days.");
        }

        void CheckTimeout(TimeSpan? timeout, string option)
        {
            if (timeout < TimeSpan.FromMilliseconds(1) || timeout > TimeSpan.FromDays(1)) Add($"{option} is {timeout}; allowed is 1 millisecond to 1 day.");
        }
    }
}
