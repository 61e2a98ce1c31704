using Larder.Tests.Remote;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http;

/// <summary>A soft event makes responses stale before their time: what may be done with a stale one may be done with them, and no more.</summary>
[Trait("clause", "I-29")]
public sealed class SoftEventTests : IAsyncLifetime
{
    private readonly LarderCache _cache = new();
    private HttpNode _node = null!;
    private int _calls, _version = 1;
    private string _cacheControl = "max-age=600";
    private int _status = 200;
    private string? _vary;

    public async ValueTask InitializeAsync() => _node = await HttpNode.StartAsync(_cache, OriginAsync);

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _cache.Dispose();
    }

    /// <summary>Confirms what the client has by its entity tag.</summary>
    private Task OriginAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        string tag = $"\"{_version}\"";
        (context.Response.StatusCode, context.Response.Headers.CacheControl, context.Response.Headers.ETag) = (_status, _cacheControl, tag);
        if (_vary is not null) context.Response.Headers.Vary = _vary;
        if (_status != 200) return Task.CompletedTask;
        if (context.Request.Headers.IfNoneMatch != tag) return context.Response.WriteAsync($"v{_version}");
        context.Response.StatusCode = 304;
        return Task.CompletedTask;
    }

    private async Task<string> GetAsync(params (string, string)[] headers) => (await _node.GetAsync("/x", headers)).How;

    private async Task SoftenAsync() => await _cache.InvalidateAsync(Invalidation.Glob("**").Soft());

    [Fact]
    public async Task It_is_validated_before_it_is_used_again()
    {
        Assert.Equal("MISS miss-cold v1", await GetAsync());
        Assert.Equal("HIT  v1", await GetAsync());
        await SoftenAsync();
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync());
        Assert.Equal(("HIT  v1", 2), (await GetAsync(), _calls));
        await SoftenAsync();
        _version++;
        Assert.Equal("MISS miss-expired v2", await GetAsync());
        Assert.Equal(("HIT  v2", 3), (await GetAsync(), _calls));
    }

    [Fact]
    public async Task The_control_a_hard_event_leaves_nothing_to_validate()
    {
        await GetAsync();
        await _cache.InvalidateAsync(Invalidation.Glob("**"));
        Assert.StartsWith("MISS miss-invalidated", await GetAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Within_its_window_it_is_served_while_it_is_refreshed()
    {
        _cacheControl = "max-age=600, stale-while-revalidate=60";
        await GetAsync();
        await SoftenAsync();
        _version++;
        Assert.Equal("STALE stale v1", await GetAsync());
        await Eventually.True(() => GetAsync().GetAwaiter().GetResult() == "HIT  v2");
        Assert.Equal(2, _calls);
    }

    [Theory]
    [InlineData("max-age=600, stale-while-revalidate=60, must-revalidate")]
    [InlineData("max-age=600, stale-while-revalidate=60, no-cache")]
    public async Task What_forbids_stale_use_forbids_this_one(string cacheControl)
    {
        _cacheControl = cacheControl;
        await GetAsync();
        await SoftenAsync();
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync());
    }

    [Fact]
    public async Task It_stands_in_for_an_error_where_a_stale_one_may()
    {
        _cacheControl = "max-age=600, stale-if-error=60";
        await GetAsync();
        await SoftenAsync();
        _status = 503;
        Assert.Equal("STALE stale-error v1", await GetAsync());
        _status = 200;
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync());
        _cacheControl = "max-age=600";
        _version++;
        await SoftenAsync();
        Assert.Equal("MISS miss-expired v2", await GetAsync());
        await SoftenAsync();
        _status = 503;
        // An answer came, and no window was granted.
        Assert.Equal(503, (await _node.GetAsync("/x")).Status);
    }

    [Fact]
    public async Task Who_accepts_what_is_stale_is_given_it()
    {
        await GetAsync();
        await SoftenAsync();
        Assert.Equal("STALE stale v1", await GetAsync(("Cache-Control", "max-stale")));
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync());
    }

    [Fact]
    public async Task Variants_are_still_found()
    {
        _vary = "Accept-Language";
        await GetAsync(("Accept-Language", "de"));
        await GetAsync(("Accept-Language", "fr"));
        await SoftenAsync();
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync(("Accept-Language", "de")));
        Assert.Equal("REVALIDATED revalidated v1", await GetAsync(("Accept-Language", "fr")));
        Assert.Equal(("HIT  v1", 4), (await GetAsync(("Accept-Language", "de")), _calls));
    }

    [Fact]
    [Trait("clause", "R-23")]
    public async Task A_doubt_about_memory_costs_a_validation_and_after_five_seconds_what_was_not_proven()
    {
        var time = new ManualTimeProvider();
        await using var site = new ModelSite(OriginAsync, time: time);
        HttpNode node = await site.AddAsync();
        Assert.Equal("MISS miss-cold v1", (await node.GetAsync("/x")).How);
        Assert.Equal("MISS miss-cold v1", (await node.GetAsync("/y")).How);
        await site.WrittenAsync();
        site.Redis.Run(redis =>
        {
            redis.Restart();
            return 0;
        });
        ModelNode model = site.ModelOf(node);
        model.Follower.End();
        model.Connect();
        model.ReadLog();
        Assert.Equal("REVALIDATED revalidated v1", (await node.GetAsync("/x")).How);
        Assert.Equal("HIT  v1", (await node.GetAsync("/x")).How);
        site.Advance(time, 6);
        Assert.Equal("HIT  v1", (await node.GetAsync("/x")).How);
        Assert.StartsWith("MISS", (await node.GetAsync("/y")).How, StringComparison.Ordinal);
        Assert.Equal(4, _calls);
    }
}
