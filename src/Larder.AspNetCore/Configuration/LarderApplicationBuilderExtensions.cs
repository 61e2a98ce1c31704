using Larder;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts the HTTP cache into the request pipeline.</summary>
public static class LarderApplicationBuilderExtensions
{
    /// <summary>
    /// Caches the responses of everything that is added after it, by RFC 9111 and the rules of
    /// <see cref="HttpCacheOptions"/>. Put it first, before <c>UseRouting</c>, for hits that cost no routing; put it after
    /// <c>UseAuthentication</c> and <c>UseAuthorization</c> where rules are private or endpoints demand authorization: what
    /// they answer is served only from there.
    /// </summary>
    /// <exception cref="InvalidOperationException"><c>AddLarder</c> was not called.</exception>
    /// <exception cref="OptionsValidationException">Options out of range; the message names each field.</exception>
    /// <exception cref="AggregateException">Rules that can't work; one message for each.</exception>
    public static IApplicationBuilder UseLarder(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        LarderCache engine = app.ApplicationServices.GetService<LarderCache>()
            ?? throw new InvalidOperationException("UseLarder needs the cache: call builder.Services.AddLarder() first.");
        HttpCacheOptions options = app.ApplicationServices.GetRequiredService<IOptions<HttpCacheOptions>>().Value;
        if (new HttpCacheOptionsValidator().Validate(null, options) is { Failed: true } invalid)
            throw new OptionsValidationException(Options.DefaultName, typeof(HttpCacheOptions), invalid.Failures);
        TimeProvider time = app.ApplicationServices.GetService<TimeProvider>() ?? TimeProvider.System;
        var endpoints = new EndpointCheck(app.ApplicationServices.GetService<ILogger<EndpointCheck>>() ?? NullLogger<EndpointCheck>.Instance);
        app.ApplicationServices.GetService<IHostApplicationLifetime>()?.ApplicationStarted.Register(() => endpoints.LookThrough(app.ApplicationServices));
        var cache = new HttpCache(engine, options, time) { Endpoints = endpoints };
        app.Properties[nameof(HttpCache)] = cache;
        var judge = new RequestJudge(cache, keyForwardingHeaders: !options.ForwardingHeadersAreStripped);
        return app.Use(next => EsiLayer.InFrontOf(new LarderMiddleware(next, cache, judge).InvokeAsync, cache, app));
    }

    /// <summary>Sets how HTTP responses are cached.</summary>
    public static ILarderBuilder AddHttpCaching(this ILarderBuilder builder, Action<HttpCacheOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Configure(configure);
        return builder;
    }

    /// <summary>
    /// Makes the cache the store of ASP.NET Core's own output caching (<c>AddOutputCache</c>, <c>UseOutputCache</c>), for programs
    /// that keep its policies and attributes. Of a named cache, too.
    /// </summary>
    public static ILarderBuilder AddOutputCacheStore(this ILarderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = builder.Name;
        builder.Services.AddHttpContextAccessor();
        builder.Services.RemoveAll<IOutputCacheStore>();
        builder.Services.AddSingleton<IOutputCacheStore>(provider => new LarderOutputCacheStore(
            name.Length == 0 ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(name),
            provider.GetRequiredService<IHttpContextAccessor>()));
        return builder;
    }
}
