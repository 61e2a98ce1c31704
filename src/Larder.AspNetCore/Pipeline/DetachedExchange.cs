using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>A request of the cache's own, made after a client's: its answer goes nowhere but into the store, or becomes a part of another one.</summary>
internal sealed class DetachedExchange : IHttpResponseFeature, IHttpResponseBodyFeature
{
    private readonly Stack<(Func<object, Task> Callback, object State)> _onStarting = new();
    private readonly Stack<(Func<object, Task> Callback, object State)> _onCompleted = new();
    private readonly PipeWriter _writer;
    private bool _completed;

    private DetachedExchange(Stream body)
    {
        Body = body;
        Stream = body;
        _writer = PipeWriter.Create(body);
    }

    public int StatusCode { get; set; } = StatusCodes.Status200OK;
    public string? ReasonPhrase { get; set; }
    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();
    public Stream Body { get; set; }
    public bool HasStarted { get; private set; }
    public Stream Stream { get; }
    public PipeWriter Writer => _writer;

    /// <summary>The request again, without conditions and ranges, for the same user from the same peer: as a GET, or with the body that it is keyed by.</summary>
    public static HttpContext CopyOf(HttpContext context)
    {
        IHttpRequestFeature asked = context.Features.GetRequiredFeature<IHttpRequestFeature>();
        var headers = new HeaderDictionary();
        foreach ((string name, StringValues values) in asked.Headers) headers[name] = values;
        foreach (string name in (ReadOnlySpan<string>)["If-None-Match", "If-Modified-Since", "If-Range", "Range", "Cache-Control", "Pragma"]) headers.Remove(name);
        KeyedBody? body = context.Features.Get<KeyedBody>();
        HttpContext copy = For(context, new HttpRequestFeature
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
        }, Stream.Null);
        if (body is not null)
        {
            copy.Features.Set(body);
            copy.Features.Set<IHttpRequestBodyDetectionFeature>(null);
        }
        EndpointMarks.Copy(context, copy);
        return copy;
    }

    /// <summary>A request without a body for the same user from the same peer, whose answer's body goes into a stream. It has been led nowhere yet.</summary>
    public static HttpContext For(HttpContext context, IHttpRequestFeature request, Stream body)
    {
        var exchange = new DetachedExchange(body);
        var features = new FeatureCollection();
        features.Set(request);
        features.Set<IHttpResponseFeature>(exchange);
        features.Set<IHttpResponseBodyFeature>(exchange);
        features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
        return new DefaultHttpContext(features)
        {
            User = context.User,
            Connection = { RemoteIpAddress = context.Connection.RemoteIpAddress, RemotePort = context.Connection.RemotePort },
        };
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

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        await StartAsync(cancellationToken);
        if (ReferenceEquals(Stream, Stream.Null)) return;
        await _writer.FlushAsync(cancellationToken);
        await SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);
    }

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}
