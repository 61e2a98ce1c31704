namespace Larder.AspNetCore;

/// <summary>What a handler has said about its response. One request's alone; not thread-safe, as the rest of a request is not.</summary>
internal sealed class HttpCacheFeature(Reason reason) : IHttpCacheFeature
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromDays(365);

    private List<string>? _tags;
    private List<Invalidation>? _invalidations;
    private TimeSpan? _ttl;

    public Reason Reason { get; } = reason;

    public TimeSpan? Ttl
    {
        get => _ttl;
        set
        {
            if (value is { } ttl && (ttl < Shortest || ttl > Longest)) throw new ArgumentOutOfRangeException(nameof(value), value, "Allowed is 1 second to 365 days.");
            _ttl = value;
        }
    }

    public bool IsNotStored { get; private set; }

    public IReadOnlyList<string> Tags => _tags ?? (IReadOnlyList<string>)[];

    public IReadOnlyList<Invalidation> Invalidations => _invalidations ?? (IReadOnlyList<Invalidation>)[];

    public void Tag(params ReadOnlySpan<string> tags)
    {
        foreach (string tag in tags)
        {
            if (TagRules.Problem(tag) is { } problem) throw new ArgumentException(problem, nameof(tags));
            (_tags ??= []).Add(tag);
        }
    }

    public void DoNotStore() => IsNotStored = true;

    public void Invalidate(Invalidation what)
    {
        ArgumentNullException.ThrowIfNull(what);
        (_invalidations ??= []).Add(what);
    }
}
