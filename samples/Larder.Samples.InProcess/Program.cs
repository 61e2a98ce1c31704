// The API of Larder.Samples.Origin with the cache in the same process. Two lines make it a correct cache: AddLarder and UseLarder.
// The rules are those of samples/larder.json, written in code.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Larder.AspNetCore;
using Larder.Samples.Origin;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, OriginJson.Default));
if (string.IsNullOrEmpty(builder.Configuration["urls"])) builder.WebHost.UseUrls("http://127.0.0.1:8082");

builder.Services.AddLarder(cache => cache.MaxEntries = 10_000).AddHttpCaching(http =>
{
    static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    // Path style: what the path says is the resource.
    http.Cache("/health", Seconds(60));
    http.Cache("/zones", Seconds(300), tags: "zones");
    http.Cache("/zones/{id}", Seconds(30), tags: "zone:{id}");
    http.Cache("/zones/{id}/note", Seconds(600), tags: "zone:{id}");
    http.Invalidate("PUT", "/zones/{id}/note", "zone:{id}");

    // Private answers: each user has entries of their own, and nobody is served another's.
    http.Cache("/jobs", Seconds(120), RuleScope.Private, "jobs");
    http.Invalidate("POST", "/jobs", "jobs");
    http.Cache("/jobs/{id}", Seconds(60), RuleScope.Private, "job:{id}");
    http.Invalidate("PUT", "/jobs/{id}/status", "jobs", "job:{id}");

    // Action style: the verb is at the end of the name.
    foreach ((string action, int ttl) in new[] { ("list", 180), ("get", 120), ("search", 120) })
        http.Rules.Add(new() { Pattern = RulePattern.Glob($"/actions/*.{action}"), Ttl = Seconds(ttl), Tags = ["regions"] });
    http.Rules.Add(new() { Pattern = RulePattern.Glob("/actions/*.update"), Methods = ["POST"], Invalidates = ["regions"] });

    // Regular expressions, for APIs whose families share a prefix.
    http.Rules.Add(new() { Pattern = RulePattern.Regex("^/api/predictive/.*"), Never = true });
    http.Rules.Add(new() { Pattern = RulePattern.Regex("^/api/analytics/.*"), Ttl = Seconds(300), StaleWhileRevalidate = Seconds(300), StaleIfError = Seconds(3600) });
    http.Rules.Add(new() { Pattern = RulePattern.Regex("^/api/.*/summary.*"), Ttl = Seconds(600), StaleIfError = Seconds(3600) });

    // Who the user is. A program with authentication leaves this out: then it is the signed-in user.
    http.User = context => context.Request.Headers.Authorization is [{ } credential]
        ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(credential)))
        : null;
});

var app = builder.Build();

// First, so that a hit costs no routing and does not reach the counter below.
app.UseLarder();
app.UseRouting();

var calls = 0L;
app.Use((context, next) =>
{
    context.Response.Headers["X-Origin-Calls"] = Interlocked.Increment(ref calls).ToString(CultureInfo.InvariantCulture);
    return next(context);
});

app.MapPathStyle();
app.MapActionStyle();
app.MapAnalyticStyle();
app.Run();
