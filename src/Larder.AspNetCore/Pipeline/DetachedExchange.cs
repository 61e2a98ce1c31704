using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>A request of the cache's own, made after a client's, whose answer goes nowhere but into the store.</summary>
internal sealed class DetachedExchange : IHttpResponseFeature, IHttpResponseBodyFeature
{
    private readonly Stack<(Func<object, Task> Callback, object State)> _onStarting = new();
    private readonly Stack<(Func<object, Task> Callback, object State)> _onCompleted = new();
    private readonly PipeWriter _writer = PipeWriter.Create(Stream.Null);
    private bool _completed;

    private DetachedExchange()
    {
    }

    public int StatusCode { get; set; } = StatusCodes.Status200OK;
    public string? ReasonPhrase { get; set; }
    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();
    public Stream Body { get; set; } = Stream.Null;
    public bool HasStarted { get; private set; }
    public Stream Stream => Stream.Null;
    public PipeWriter Writer => _writer;

    /// <summary>The request again, without conditions and ranges, for the same user from the same peer: as a GET, or with the body that it is keyed by.</summary>
    public static HttpContext CopyOf(HttpContext context)
    {
        IHttpRequestFeature asked = context.Features.GetRequiredFeature<IHttpRequestFeature>();
        var headers = new HeaderDictionary();
        foreach ((string name, StringValues values) in asked.Headers) headers[name] = values;
        foreach (string name in (ReadOnlySpan<string>)["If-None-Match", "If-Modified-Since", "If-Range", "Range", "Cache-Control", "Pragma"]) headers.Remove(name);
        var exchange = new DetachedExchange();
        var features = new FeatureCollection();
        KeyedBody? body = context.Features.Get<KeyedBody>();
        if (body is not null) features.Set(body);
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = body is null ? HttpMethods.Get : asked.Method,
            Protocol = asked.Protocol,
            Scheme = asked.Scheme,
            PathBase = asked.PathBase,
            Path = asked.Path,
            QueryString = asked.QueryString,
            RawTarget = asked.RawTarget,
            Headers = headers,
            Body = body?.ToStream() ?? Stream.Null,
        });
        features.Set<IHttpResponseFeature>(exchange);
        features.Set<IHttpResponseBodyFeature>(exchange);
        if (body is null) features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
        var copy = new DefaultHttpContext(features)
        {
            User = context.User,
            Connection = { RemoteIpAddress = context.Connection.RemoteIpAddress, RemotePort = context.Connection.RemotePort },
        };
        EndpointMarks.Copy(context, copy);
        return copy;
    }

    public void OnStarting(Func<object, Task> callback, object state) => _onStarting.Push((callback, state));

    public void OnCompleted(Func<object, Task> callback, object state) => _onCompleted.Push((callback, state));

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (HasStarted) return;
        while (_onStarting.TryPop(out var starting)) await starting.Callback(starting.State);
        HasStarted = true;
    }

    public async Task CompleteAsync()
    {
        if (_completed) return;
        _completed = true;
        await StartAsync();
        await _writer.CompleteAsync();
        while (_onCompleted.TryPop(out var done)) await done.Callback(done.State);
    }

    public void DisableBuffering()
    {
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => StartAsync(cancellationToken);

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}
