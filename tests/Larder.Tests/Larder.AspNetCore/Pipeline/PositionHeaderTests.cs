using Larder.AspNetCore;
using Larder.Tests.Remote;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Tests.Http;

/// <summary>Clients that carry the position of their writes from node to node.</summary>
public sealed class PositionHeaderTests
{
    private const string Name = "Larder-Position";

    private readonly ModelRedis _redis = new();
    private readonly SharedTime _time = new();
    private readonly List<StrictNode> _nodes = [];
    private int _version = 1;
    private string? _said = "forged";

    private sealed record Site(StrictNode Node, LarderMiddleware Middleware);

    private Site NewSite(Strictness strictness = Strictness.Available)
    {
        var node = new StrictNode(_redis, _time.NewNode(), null, strictness);
        node.Connect();
        node.ReadLog();
        _nodes.Add(node);
        _time.Pass(TimeSpan.FromSeconds(6), _nodes);
        var options = new HttpCacheOptions { PositionHeader = Name };
        options.Cache("/page", TimeSpan.FromHours(1));
        var cache = new HttpCache(node.Cache, options, node.Time);
        return new(node, new(Origin, cache, new(cache, keyForwardingHeaders: true)));
    }

    private async Task Origin(HttpContext context)
    {
        Assert.False(context.Request.Headers.ContainsKey(Name));
        if (context.Request.Method == "POST") _version++;
        context.Response.Headers.Vary = Name;
        if (_said is { } said) context.Response.Headers[Name] = said;
        await context.Response.WriteAsync($"version {_version}");
    }

    private static async Task<(string Body, string Status, string? Token)> Send(Site site, string method, params string[] tokens)
    {
        var response = new Response();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseFeature>(response);
        context.Features.Set<IHttpResponseBodyFeature>(response);
        (context.Request.Method, context.Request.Scheme, context.Request.Host, context.Request.Path) = (method, "http", new("site.test"), "/page");
        context.Features.Get<IHttpRequestFeature>()!.RawTarget = "/page";
        if (tokens.Length > 0) context.Request.Headers[Name] = tokens;
        await site.Middleware.InvokeAsync(context);
        await response.CompleteAsync();
        string body = System.Text.Encoding.UTF8.GetString(response.Bytes.ToArray());
        return (body, context.Response.Headers["Cache-Status"].ToString(), context.Response.Headers.TryGetValue(Name, out var told) ? told.ToString() : null);
    }

    /// <summary>A response that calls what waits for its start, as a server does.</summary>
    private sealed class Response : HttpResponseFeature, IHttpResponseBodyFeature
    {
        private readonly Stack<(Func<object, Task> Callback, object State)> _starting = [];
        private readonly StreamResponseBodyFeature _body;
        private bool _hasStarted;

        public Response() => _body = new(Bytes);

        public MemoryStream Bytes { get; } = new();

        public override bool HasStarted => _hasStarted;

        public Stream Stream => _body.Stream;

        public System.IO.Pipelines.PipeWriter Writer => _body.Writer;

        public override void OnStarting(Func<object, Task> callback, object state) => _starting.Push((callback, state));

        public void DisableBuffering()
        {
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public async Task StartAsync(CancellationToken cancellationToken = default)
        {
            if (_hasStarted) return;
            while (_starting.TryPop(out var starting)) await starting.Callback(starting.State);
            _hasStarted = true;
        }

        public async Task CompleteAsync()
        {
            await StartAsync();
            await Writer.FlushAsync();
        }
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task Who_writes_on_one_node_reads_it_on_another()
    {
        Site a = NewSite(), b = NewSite();
        (string body, _, string? token) = await Send(b, "GET");
        // What an origin says in its place is nobody's, and not stored.
        Assert.Equal(("version 1", null), (body, token));
        Assert.Equal(("version 1", null), ((await Send(b, "GET")) is var hit ? (hit.Body, hit.Token) : default));
        Assert.Contains("hit", hit.Status, StringComparison.Ordinal);
        (_, _, token) = await Send(a, "POST");
        Assert.True(PositionToken.TryParse(token, out _));
        Assert.Equal("version 1", (await Send(b, "GET")).Body);
        Task<(string Body, string Status, string? Token)> reading = Send(b, "GET", token);
        Assert.False(reading.IsCompleted);
        b.Node.ReadLog();
        Assert.Equal("version 2", (await reading).Body);
        // From then on it is a hit like any other.
        (body, string status, _) = await Send(b, "GET", token);
        Assert.Equal("version 2", body);
        Assert.Contains("hit", status, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task A_node_that_does_not_get_there_passes_the_request_on()
    {
        Site a = NewSite(), b = NewSite();
        await Send(b, "GET");
        (_, _, string? token) = await Send(a, "POST");
        Task<(string Body, string Status, string? Token)> reading = Send(b, "GET", token!);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        (string body, string status, string? told) = await reading;
        Assert.Equal(("version 2", null), (body, told));
        Assert.Contains("bypass-position", status, StringComparison.Ordinal);
        foreach (string[] odd in (string[][])[["nonsense"], [token!, token!], [""], [token! + ",x"]])
        {
            (body, status, _) = await Send(b, "GET", odd);
            Assert.Equal("version 2", body);
            Assert.Contains("bypass-position", status, StringComparison.Ordinal);
        }
        Assert.Equal("version 1", (await Send(b, "GET")).Body);
    }

    [Fact]
    [Trait("clause", "R-23"), Trait("clause", "R-28")]
    public async Task A_strict_node_fails_no_request_and_serves_nothing_that_is_unproven()
    {
        Site a = NewSite(Strictness.Strict);
        _said = null;
        await Send(a, "GET");
        Assert.Contains("hit", (await Send(a, "GET")).Status, StringComparison.Ordinal);
        a.Node.IsAway = true;
        (string body, _, string? token) = await Send(a, "POST");
        Assert.Equal("version 2", body);
        // Good on this node only.
        Assert.True(PositionToken.TryParse(token, out PositionToken pending));
        Assert.True(await a.Node.Cache.CatchUpAsync(pending));
        Assert.Equal("version 2", (await Send(a, "GET")).Body);
        _time.Advance(TimeSpan.FromSeconds(5));
        (_, string status, _) = await Send(a, "GET");
        Assert.Contains("miss-unproven", status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Larder-Position", true)]
    [InlineData("X-Position", true)]
    [InlineData("cookie", false)]
    [InlineData("Vary", false)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a\r\nb", false)]
    public void A_name_that_means_something_else_is_refused(string name, bool allowed) =>
        Assert.Equal(allowed, new HttpCacheOptionsValidator().Validate(null, new() { PositionHeader = name }).Succeeded);

    [Fact]
    public void A_patience_has_bounds()
    {
        var validator = new HttpCacheOptionsValidator();
        Assert.True(validator.Validate(null, new() { PositionPatience = TimeSpan.Zero }).Succeeded);
        Assert.False(validator.Validate(null, new() { PositionPatience = TimeSpan.FromSeconds(11) }).Succeeded);
    }
}
