using System.Globalization;
using Larder.AspNetCore;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Tests.Gateway.Configuration;

/// <summary>Documents of the tests, and what they came to.</summary>
internal static class Documents
{
    /// <summary>The messages of a document without the file's name and lines, in order.</summary>
    public static string[] Messages(string text, string file = "larder.json") =>
        [.. ConfigFile.Parse(text, file).Problems.Select(p => (p with { Source = "", Line = null }).ToString())];

    /// <summary>All that a document came to, as a text that can be compared.</summary>
    public static string Outcome(ConfigurationResult result) => result.Options is { } options
        ? Written(options)
        : string.Join('\n', result.Problems.Select(p => (p with { Source = "", Line = null }).ToString()).Order(StringComparer.Ordinal));

    private static string Written(GatewayOptions o) => string.Create(CultureInfo.InvariantCulture,
        $"{o.Origin} {string.Join(',', o.Urls)} {o.ConnectTimeout} {o.ResponseTimeout} {o.IdleTimeout} {o.MaxEntries} {o.MaxBytes} {o.MaxBodyBytes} {o.KeepStale} {o.PrivateUserHeader} {o.Retries} {o.Forwarding} {o.Origins.Count}\n{string.Join('\n', o.Rules.Select(Written))}");

    private static string Written(CacheRule r) => string.Create(CultureInfo.InvariantCulture,
        $"{r.Pattern.GetType().Name} {r.Pattern} [{string.Join(',', r.Methods)}] {r.Ttl} {r.Scope} {r.Never} [{string.Join(',', r.Tags)}] [{string.Join(',', r.Invalidates)}] {r.StaleIfError} {r.StaleWhileRevalidate}");
}
