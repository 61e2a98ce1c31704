using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>What is wrong with a rule, in words that name the member, its value and what is allowed.</summary>
internal static class RuleProblems
{
    private const int MostNames = 20;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Year = TimeSpan.FromDays(365);

    /// <summary>The first problem, as a sentence; null for a rule that can work.</summary>
    public static string? Of(CacheRule rule) => OfTimes(rule) ?? OfMethods(rule) ?? OfLists(rule) ?? OfScope(rule);

    private static string? OfTimes(CacheRule rule) => rule switch
    {
        { Ttl: { } ttl } when ttl < Second || ttl > Year => $"ttl is {ttl}; allowed is 1 second to 365 days.",
        { ErrorTtl: { } ttl } when ttl < Second || ttl > Year => $"errorTtl is {ttl}; allowed is 1 second to 365 days.",
        { StaleIfError: { } window } when window < TimeSpan.Zero || window > Year => $"staleIfError is {window}; allowed is 0 to 365 days.",
        { StaleWhileRevalidate: { } window } when window < TimeSpan.Zero || window > Year => $"staleWhileRevalidate is {window}; allowed is 0 to 365 days.",
        { Never: true, Ttl: not null } => "it says never and gives a ttl.",
        { Never: true, ErrorTtl: not null } => "it says never and gives an errorTtl.",
        { OverridesOrigin: true, Ttl: null, ErrorTtl: null } => "it overrides the origin, but gives no ttl.",
        { MaxBodyBytes: < 1 } => $"maxBodyBytes is {rule.MaxBodyBytes}; allowed is 1 and more.",
        _ => null,
    };

    private static string? OfMethods(CacheRule rule) => rule switch
    {
        _ when rule.Methods.Any(static method => !FieldSyntax.IsToken(method)) => "a method is empty, or no word.",
        { Body: { MaxBytes: < 1 or > 1 << 20 } body } => $"body.maxBytes is {body.MaxBytes}; allowed is 1 to 1048576.",
        { Body: not null } when rule.Methods.Count == 0 || rule.Methods.Any(static method => !Writes(method)) => "it keys bodies; name the methods that have them, such as POST.",
        { Body: not null, Invalidates.Count: > 0 } => "it keys bodies, so its requests are reads; reads invalidate nothing.",
        { Invalidates.Count: > 0 } when !rule.Methods.Any(Writes) => "it invalidates, but none of its methods writes; name them, such as PUT.",
        { Ttl: not null, Body: null } when rule.Methods.Count > 0 && rule.Methods.All(Writes) => "it gives a ttl, but answers to its methods are not cached unless it keys their bodies.",
        _ => null,
    };

    private static string? OfLists(CacheRule rule) => rule switch
    {
        { Tags.Count: > MostNames } => $"it has {rule.Tags.Count} tags; allowed are {MostNames}.",
        { VaryByHeaders.Count: > MostNames } or { VaryByCookies.Count: > MostNames } or { Hosts.Count: > 100 } or { Statuses.Count: > 100 } or { ContentTypes.Count: > 100 } => "one of its lists is too long.",
        _ when rule.VaryByHeaders.FirstOrDefault(static name => !FieldSyntax.IsToken(name) || HopByHop.IsHopByHop(name) || FieldSyntax.Is(name, "Cookie")) is { } name => $"varyByHeaders has '{name}'; allowed are names of request headers, without Cookie, for which there is varyByCookies.",
        _ when rule.VaryByCookies.FirstOrDefault(static name => !FieldSyntax.IsToken(name)) is { } name => $"varyByCookies has '{name}', which is no name of a cookie.",
        _ when rule.Hosts.FirstOrDefault(static host => !IsHost(host)) is { } host => $"hosts has '{host}'; allowed is a host without a port, or '*.' and one.",
        _ when rule.Statuses.FirstOrDefault(static status => Rfc9111.StatusCodes.IsNeverStored(status)) is not 0 and var status => $"statuses has {status}, which is never stored.",
        _ when rule.ContentTypes.FirstOrDefault(static type => !IsMediaType(type)) is { } type => $"contentTypes has '{type}'; allowed is a media type such as 'application/json' or 'text/*'.",
        { CacheControl: { } sent } when !StoredFields.IsText(sent) || sent.Length is 0 or > 1000 => "cacheControl is no value of a header.",
        _ => null,
    };

    private static string? OfScope(CacheRule rule) => rule switch
    {
        { User: not null, Scope: not RuleScope.Private } => "it says who the user is, but its scope is not private.",
        { VaryByCookies.Count: > 0, Scope: not RuleScope.Public } => "it varies by cookies, which takes the scope public: otherwise requests with cookies are not answered from what is shared.",
        { Scope: RuleScope.Private, CacheControl: { } sent } when CacheControl.Parse(sent).Public => "its scope is private, and its cacheControl says public.",
        _ => null,
    };

    private static bool Writes(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method);

    private static bool IsHost(string host)
    {
        string name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
        return name is ['[', .., ']'] ? Uri.CheckHostName(name[1..^1]) == UriHostNameType.IPv6 : Uri.CheckHostName(name) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    private static bool IsMediaType(string type)
    {
        int slash = type.IndexOf('/');
        return slash > 0 && FieldSyntax.IsToken(type.AsSpan(0, slash)) && FieldSyntax.IsToken(type.AsSpan(slash + 1));
    }
}
