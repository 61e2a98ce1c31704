// A plain origin: time zones, regions and calendars as .NET knows them. It does not reference Larder, and any cache could front it.
// It offers its data in the three styles of API that one meets, a file for each: PathStyle, ActionStyle, AnalyticStyle.
// Most answers say nothing about caching, so that a rule of the cache decides; those that do say so in their file.

using System.Globalization;
using Larder.Samples.Origin;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, OriginJson.Default));

// `--urls` and ASPNETCORE_URLS win, as in any ASP.NET Core program; else loopback only, on ORIGIN_PORT.
if (string.IsNullOrEmpty(builder.Configuration["urls"]))
    builder.WebHost.UseUrls($"http://127.0.0.1:{Environment.GetEnvironmentVariable("ORIGIN_PORT") ?? "8081"}");

var app = builder.Build();

// How often was the origin asked? A cached answer repeats the number it was stored with, a fresh one has a new number.
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
