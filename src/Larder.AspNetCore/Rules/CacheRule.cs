using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Who may be served one stored response.</summary>
public enum RuleScope : byte
{
    /// <summary>Everybody, with the care of RFC 9111: answers to requests with credentials or cookies are shared only if they say so.</summary>
    Shared,
    /// <summary>Everybody: the answer is the same whatever credentials or cookies a request carries.</summary>
    Public,
    /// <summary>Each user has entries of its own; without a known user the request is passed on.</summary>
    Private,
}

/// <summary>What holds for the requests that one pattern matches. Rules are asked in order; the first match wins.</summary>
public sealed record CacheRule
{
    /// <summary>Which paths the rule is for.</summary>
    public required RulePattern Pattern { get; init; }

    /// <summary>Which methods the rule is for; empty means GET and HEAD.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>How long answers are fresh where the origin does not say; null leaves that to RFC 9111 alone.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Who may be served.</summary>
    public RuleScope Scope { get; init; }

    /// <summary>Nothing is stored or looked up.</summary>
    public bool Never { get; init; }

    /// <summary>Tags of what is stored; <c>{name}</c> stands for a part of the path: <c>job:{id}</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Tags that a successful request of this rule invalidates; for rules whose methods write.</summary>
    public IReadOnlyList<string> Invalidates { get; init; } = [];

    /// <summary>How long a stale answer may stand in for an error, where the response does not say.</summary>
    public TimeSpan? StaleIfError { get; init; }

    /// <summary>How long a stale answer may be served while a new one is fetched in the background, where the response does not say.</summary>
    public TimeSpan? StaleWhileRevalidate { get; init; }

    internal bool IsFor(string method)
    {
        if (Methods.Count == 0) return HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        foreach (string own in Methods)
            if (HttpMethods.Equals(own, method)) return true;
        return false;
    }
}
