using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>
/// What a handler can say to the cache about its own response, until the response starts. A feature of every request that has come to the application through the cache.
/// </summary>
public interface IHttpCacheFeature
{
    /// <summary>Why the application was asked, and not the cache.</summary>
    Reason Reason { get; }

    /// <summary>How long the response is fresh, whatever its headers or a rule say; null, the default, for these. A second to 365 days.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is shorter than a second or longer than 365 days.</exception>
    TimeSpan? Ttl { get; set; }

    /// <summary>Adds tags, beside those of rules and of response headers.</summary>
    /// <exception cref="ArgumentException">One is no tag (<see cref="Invalidation"/>).</exception>
    void Tag(params ReadOnlySpan<string> tags);

    /// <summary>The response is not stored.</summary>
    void DoNotStore();

    /// <summary>When the request has succeeded, and before its response leaves, this is invalidated.</summary>
    void Invalidate(Invalidation what);
}

/// <summary>Gives handlers access to the cache.</summary>
public static class LarderHttpContextExtensions
{
    /// <summary>What the handler can say to the cache.</summary>
    /// <exception cref="InvalidOperationException">The request has not come through the cache.</exception>
    public static IHttpCacheFeature Larder(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IHttpCacheFeature>()
            ?? throw new InvalidOperationException("This request has not come through the cache: call app.UseLarder() before what handles it.");
    }
}
