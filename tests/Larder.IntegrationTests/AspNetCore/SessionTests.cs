using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Http;

/// <summary>The framework's sessions, kept in Larder: real middleware, real cookies, a real server.</summary>
public sealed class SessionTests
{
    private sealed class App : IAsyncDisposable
    {
        private readonly WebApplication _app;

        public App(bool own)
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Services.AddSingleton<TimeProvider>(Time);
            ILarderBuilder larder = own ? builder.Services.AddLarder("sessions") : builder.Services.AddLarder();
            larder.AddDistributedCache();
            builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            builder.Services.AddSession(o => o.IdleTimeout = TimeSpan.FromMinutes(20));
            _app = builder.Build();
            _app.UseSession();
            _app.MapGet("/add/{value}", (string value, HttpContext context) =>
            {
                string all = context.Session.GetString("all") + value;
                context.Session.SetString("all", all);
                return all;
            });
            _app.MapGet("/read", (HttpContext context) => context.Session.GetString("all") ?? "nothing");
            _app.MapGet("/clear", (HttpContext context) => context.Session.Clear());
        }

        public ManualTime Time { get; } = new();

        public LarderCache Cache => _app.Services.GetService<LarderCache>() ?? _app.Services.GetRequiredKeyedService<LarderCache>("sessions");

        public Task StartAsync() => _app.StartAsync();

        public Browser NewBrowser() => new(new Uri(_app.Urls.Single()));

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }

    /// <summary>A client with cookies of its own.</summary>
    private sealed class Browser(Uri address) : IDisposable
    {
        private readonly HttpClient _client = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = address };

        public Task<string> GetAsync(string path) => _client.GetStringAsync(path);

        public void Dispose() => _client.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sessions_live_in_the_cache_and_slide(bool own)
    {
        await using var app = new App(own);
        await app.StartAsync();
        using Browser ann = app.NewBrowser(), bob = app.NewBrowser();
        Assert.Equal("a", await ann.GetAsync("/add/a"));
        Assert.Equal("nothing", await bob.GetAsync("/read"));
        Assert.Equal("b", await bob.GetAsync("/add/b"));
        Assert.Equal("ac", await ann.GetAsync("/add/c"));
        Assert.Equal(2, app.Cache.Statistics.Entries);

        for (int i = 0; i < 3; i++)
        {
            app.Time.Advance(19 * 60);
            Assert.Equal("ac", await ann.GetAsync("/read"));
        }
        Assert.Equal("nothing", await bob.GetAsync("/read"));
        await ann.GetAsync("/clear");
        Assert.Equal("nothing", await ann.GetAsync("/read"));
        Assert.Equal("d", await ann.GetAsync("/add/d"));
        app.Time.Advance(20 * 60);
        Assert.Equal("nothing", await ann.GetAsync("/read"));
    }

    [Fact]
    public async Task Many_requests_of_many_users_keep_their_sessions_apart()
    {
        await using var app = new App(own: false);
        await app.StartAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 20), async (user, _) =>
        {
            using Browser browser = app.NewBrowser();
            for (int i = 1; i <= 10; i++) Assert.Equal(new string((char)('a' + user), i), await browser.GetAsync($"/add/{(char)('a' + user)}"));
        });
        Assert.Equal(20, app.Cache.Statistics.Entries);
    }
}
