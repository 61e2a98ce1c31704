using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Who the user of a request is, for rules with <see cref="RuleScope.Private"/>.</summary>
public sealed class UserSource
{
    private readonly Func<HttpContext, RequestUser> _find;

    private UserSource(string name, Func<HttpContext, RequestUser> find)
    {
        Name = name;
        _find = find;
    }

    /// <summary>What tells users apart: <c>claim sub</c>, <c>header X-Tenant</c>, <c>cookie session</c>, or <c>function</c>.</summary>
    internal string Name { get; }

    /// <summary>A claim of the authenticated user; whoever issued it belongs to it. None without an authenticated user.</summary>
    public static UserSource Claim(string type)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        return new($"claim {type}", context => context.User.Identity is { IsAuthenticated: true } && context.User.FindFirst(type) is { } claim ? new(claim.Issuer, claim.Value) : default);
    }

    /// <summary>A request header's only value, which must be one that the origin verifies: whoever sends the same is served the same. Kept as its SHA-256 (<see cref="NameOf"/>).</summary>
    public static UserSource Header(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new($"header {name}", context => context.Request.Headers[name] is [{ Length: > 0 } value] ? new("", NameOf(value)) : default);
    }

    /// <summary>A cookie's value, which must be one that the origin verifies: whoever sends the same is served the same. Of one that is there twice nobody knows which counts, so that names nobody.</summary>
    public static UserSource Cookie(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new($"cookie {name}", context => Cookies.All(context.Request.Headers.Cookie, name) is [{ Length: > 0 } value] ? new("", NameOf(value)) : default);
    }

    /// <summary>A function; null or empty where nobody is known. What it throws counts as nobody.</summary>
    public static UserSource Function(Func<HttpContext, string?> find)
    {
        ArgumentNullException.ThrowIfNull(find);
        return new("function", context => new("", find(context) ?? ""));
    }

    /// <summary>
    /// The name under which what is kept for a header's or a cookie's value can be invalidated: <c>Invalidation.User(UserSource.NameOf("alice"))</c>. No credential is kept as it is.
    /// </summary>
    public static string NameOf(string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(value);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)));
    }

    internal RequestUser Of(HttpContext context) => _find(context);
}
