using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>Where the bytes of a response go.</summary>
internal enum TeeMode : byte
{
    /// <summary>Headers may still change; what is written waits.</summary>
    Undecided,
    /// <summary>To the client, and to the recorder where there is one.</summary>
    Forward,
    /// <summary>To the recorder alone: the client was answered 304.</summary>
    RecordOnly,
    /// <summary>Nowhere: a stored response will be served instead.</summary>
    Discard,
}

/// <summary>Who decides about a response that passes.</summary>
internal interface ITeeOwner
{
    /// <summary>Asked once, before the response starts: Forward or Discard.</summary>
    /// <param name="whole">The whole body, where it is known already; null where there may be more.</param>
    TeeMode BeforeStart(ReadOnlyMemory<byte>? whole);

    /// <summary>Whether a small body may wait for its end.</summary>
    bool HoldsSmall { get; }

    /// <summary>Asked once, after the response started: Forward or RecordOnly.</summary>
    TeeMode ModeOnceStarted { get; }

    /// <summary>Where copies go; null when nothing is recorded.</summary>
    ResponseRecorder? Recorder { get; }

    /// <summary>
    /// Asked once, after the response started: what the client is sent in the place of what passes, since a slow client must not hold up others who read the recording;
    /// null for what passes.
    /// </summary>
    StoredBody? InPlace { get; }
}

/// <summary>
/// Stands between the application and the server's response body. What is written before the first flush waits here;
/// the first flush starts the response, when headers are final and it is decided what becomes of the body. From then
/// on nothing is buffered: bytes go into the server's own buffers and are copied from there.
/// </summary>
internal sealed class TeeBody : PipeWriter, IHttpResponseBodyFeature
{
    private const int MostWaiting = 64 * 1024;

    private readonly IHttpResponseBodyFeature _inner;
    private readonly ITeeOwner _owner;
    private readonly HttpResponse _response;
    private readonly ArrayBufferWriter<byte> _waiting = new();
    private readonly TeeStream _stream;
    private Memory<byte> _lent;
    private Task _inPlace = Task.CompletedTask;
    private TeeMode _mode;
    private bool _completed;

    public TeeBody(IHttpResponseBodyFeature inner, ITeeOwner owner, HttpResponse response)
    {
        _inner = inner;
        _owner = owner;
        _response = response;
        _stream = new(this);
    }

    /// <summary>Bytes written by the application so far.</summary>
    public long Written { get; private set; }

    /// <summary>Nothing need leave before the body is whole, as far as can be told by now.</summary>
    public bool MayWait => Waits(0);

    /// <summary>The server takes no more: an application that sees this may end early, and quietly.</summary>
    public bool ClientLeft { get; private set; }

    public Stream Stream => _stream;

    public PipeWriter Writer => this;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _mode == TeeMode.Forward && _inner.Writer.CanGetUnflushedBytes ? _inner.Writer.UnflushedBytes : _waiting.WrittenCount;

    public void DisableBuffering() => _inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => DecideAsync(cancellationToken);

    /// <summary>After the application returned: starts a response that has no body, and flushes what waits.</summary>
    public async Task FinishAsync()
    {
        // A body without a length ends for its client when it is stored, so that whoever has it and asks again gets a hit.
        if (_mode == TeeMode.Undecided && Written == 0 && _response.ContentLength is null && MayHaveLength()) _response.ContentLength = 0;
        await DecideAsync(CancellationToken.None, isWhole: true);
        if (_mode == TeeMode.Forward && !_completed) await FlushInnerAsync(CancellationToken.None);
        await EndInPlaceAsync();
    }

    /// <summary>Nothing more is written: what is sent in the place of what passed ends with that. It never outlives the request.</summary>
    public async Task EndInPlaceAsync()
    {
        if (_owner.Recorder is not SharedRecorder shared) return;
        shared.End(isWhole: true);
        // Where the recording has ended early, so has the application, and the server does what that deserves.
        await _inPlace.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task CompleteAsync()
    {
        await FinishAsync();
        _completed = true;
        if (_mode != TeeMode.Discard) await _inner.CompleteAsync();
    }

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        await DecideAsync(cancellationToken);
        if (_mode == TeeMode.Forward && _owner.Recorder is null)
        {
            await _inner.SendFileAsync(path, offset, count, cancellationToken);
            return;
        }
        await SendFileFallback.SendFileAsync(_stream, path, offset, count, cancellationToken);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) =>
        _lent = _mode == TeeMode.Forward ? _inner.Writer.GetMemory(sizeHint) : _waiting.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        Written += bytes;
        if (_mode == TeeMode.Undecided)
        {
            _waiting.Advance(bytes);
            return;
        }
        if (_mode != TeeMode.Discard) _owner.Recorder?.Write(_lent.Span[..bytes]);
        if (_mode == TeeMode.Forward) _inner.Writer.Advance(bytes);
        _lent = default;
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (Waits(0)) return default;
        await DecideAsync(cancellationToken);
        return _mode == TeeMode.Forward ? await FlushInnerAsync(cancellationToken) : default;
    }

    private async ValueTask<FlushResult> FlushInnerAsync(CancellationToken cancellationToken) =>
        Noted(await _inner.Writer.FlushAsync(cancellationToken));

    private FlushResult Noted(FlushResult result)
    {
        ClientLeft |= result.IsCompleted || result.IsCanceled;
        // Others read what arrives: the application is to go on.
        return _owner.Recorder is SharedRecorder { HasReaders: true } ? default : result;
    }

    public override void CancelPendingFlush() => _inner.Writer.CancelPendingFlush();

    /// <summary>The application has no more to write; the server completes the response itself.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    /// <summary>
    /// What a rule caches may wait for its end while it is small, whatever is flushed meanwhile: then its entity tag goes out with its headers. Who wants its bytes to
    /// leave at once starts the response.
    /// </summary>
    private bool Waits(int more) =>
        _mode == TeeMode.Undecided && Written + more is var sum && sum <= MostWaiting && (_response.ContentLength is not { } length || (length <= MostWaiting && sum < length))
        && _owner.HoldsSmall && _response.StatusCode == StatusCodes.Status200OK && _response.Headers.ETag.Count == 0
        && _response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) != true;

    private Task DecideAsync(CancellationToken cancellationToken, bool isWhole = false) =>
        _mode == TeeMode.Undecided ? StartResponseAsync(isWhole || Written == _response.ContentLength, cancellationToken) : Task.CompletedTask;

    private async Task StartResponseAsync(bool isWhole, CancellationToken cancellationToken)
    {
        TeeMode mode = _owner.BeforeStart(isWhole ? _waiting.WrittenMemory : null);
        if (mode == TeeMode.Forward)
        {
            await _inner.StartAsync(cancellationToken);
            mode = _owner.ModeOnceStarted;
            // The client has its whole answer; it must not wait for the body that is recorded.
            if (mode == TeeMode.RecordOnly) await _inner.Writer.FlushAsync(cancellationToken);
            if (_owner.InPlace is { } body)
            {
                mode = TeeMode.RecordOnly;
                _inPlace = body.WriteToAsync(_inner.Writer, 0, body.Length, CancellationToken.None);
            }
        }
        _mode = mode;
        if (_waiting.WrittenCount == 0) return;
        if (mode != TeeMode.Discard) _owner.Recorder?.Write(_waiting.WrittenSpan);
        if (mode == TeeMode.Forward) _inner.Writer.Write(_waiting.WrittenSpan);
        _waiting.Clear();
    }

    /// <summary>What a server does by itself for a response nobody wrote to, unless the response has been started.</summary>
    private bool MayHaveLength() =>
        _response.StatusCode is >= 200 and not (StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified)
        && !HttpMethods.IsHead(_response.HttpContext.Request.Method)
        && _response.Headers.TransferEncoding.Count == 0;

    /// <summary>The same body as a stream.</summary>
    private sealed class TeeStream(TeeBody tee) : ResponseStream(tee._response.HttpContext)
    {
        public override Task FlushAsync(CancellationToken cancellationToken) => tee.FlushAsync(cancellationToken).AsTask();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (tee._mode == TeeMode.Undecided)
            {
                bool waits = tee.Waits(buffer.Length);
                if (waits || buffer.Length <= MostWaiting)
                {
                    tee._waiting.Write(buffer.Span);
                    tee.Written += buffer.Length;
                    if (!waits) await tee.FlushAsync(cancellationToken);
                    return;
                }
                await tee.DecideAsync(cancellationToken);
            }
            tee.Written += buffer.Length;
            if (tee._mode != TeeMode.Discard) tee._owner.Recorder?.Write(buffer.Span);
            if (tee._mode == TeeMode.Forward) tee.Noted(await tee._inner.Writer.WriteAsync(buffer, cancellationToken));
        }
    }
}
