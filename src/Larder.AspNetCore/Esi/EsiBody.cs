using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>Where the bytes of a response go.</summary>
internal enum EsiMode : byte
{
    /// <summary>Headers may still change; what is written waits.</summary>
    Undecided,
    /// <summary>To the client as they are.</summary>
    Forward,
    /// <summary>Through the parser; what is written waits for the next flush.</summary>
    Assemble,
    /// <summary>Nowhere: the request is made again.</summary>
    Discard,
}

/// <summary>Stands between those behind the layer and the server's response body. What is written before the first flush waits here, as in <see cref="TeeBody"/>.</summary>
internal sealed class EsiBody : PipeWriter, IHttpResponseBodyFeature
{
    private readonly IHttpResponseBodyFeature _inner;
    private readonly EsiExchange _exchange;
    private readonly ArrayBufferWriter<byte> _waiting = new();
    private readonly EsiStream _stream;
    private EsiMode _mode;
    private bool _completed;

    public EsiBody(IHttpResponseBodyFeature inner, EsiExchange exchange)
    {
        _inner = inner;
        _exchange = exchange;
        _stream = new(this, exchange.Context);
    }

    public Stream Stream => _stream;

    public PipeWriter Writer => this;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _waiting.WrittenCount + (_mode == EsiMode.Forward && _inner.Writer.CanGetUnflushedBytes ? _inner.Writer.UnflushedBytes : 0);

    public void DisableBuffering() => _inner.DisableBuffering();

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_mode != EsiMode.Undecided) return;
        await DecideAsync();
        if (_mode == EsiMode.Forward) await _inner.StartAsync(cancellationToken);
    }

    /// <summary>Those behind have returned: a response that nobody started is decided on, and what waits goes its way. One without a body is left to the server.</summary>
    public async Task FinishAsync()
    {
        if (_completed) return;
        _completed = true;
        await FlushAsync(CancellationToken.None);
        if (_exchange.Assembler is { } page) await page.EndAsync();
    }

    public async Task CompleteAsync()
    {
        await FinishAsync();
        if (_mode == EsiMode.Forward || _exchange.Assembler is { Problem: null }) await _inner.CompleteAsync();
    }

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        await StartAsync(cancellationToken);
        if (_mode == EsiMode.Forward) await _inner.SendFileAsync(path, offset, count, cancellationToken);
        else await SendFileFallback.SendFileAsync(_stream, path, offset, count, cancellationToken);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => _mode == EsiMode.Forward ? _inner.Writer.GetMemory(sizeHint) : _waiting.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_mode == EsiMode.Forward) _inner.Writer.Advance(bytes);
        else if (_mode != EsiMode.Discard) _waiting.Advance(bytes);
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        // Nothing to say yet is no reason to start: the server does that, and those in front may still change their mind.
        if (_mode == EsiMode.Undecided) await DecideAsync();
        if (_mode == EsiMode.Forward) return _completed && _inner.Writer is { CanGetUnflushedBytes: true, UnflushedBytes: 0 } ? default : await _inner.Writer.FlushAsync(cancellationToken);
        return _mode == EsiMode.Assemble ? await AssembleAsync(default) : default;
    }

    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (_mode == EsiMode.Undecided) await StartAsync(cancellationToken);
        if (_mode == EsiMode.Forward) return await _inner.Writer.WriteAsync(source, cancellationToken);
        return _mode == EsiMode.Assemble ? await AssembleAsync(source) : default;
    }

    public override void CancelPendingFlush() => _inner.Writer.CancelPendingFlush();

    /// <summary>Those behind have no more to write; the server completes the response itself.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    private async ValueTask<FlushResult> AssembleAsync(ReadOnlyMemory<byte> more)
    {
        EsiAssembler page = _exchange.Assembler!;
        if (_waiting.WrittenCount > 0)
        {
            await page.ReadAsync(_waiting.WrittenMemory);
            _waiting.ResetWrittenCount();
        }
        if (more.Length > 0) await page.ReadAsync(more);
        return await page.FlushAsync();
    }

    private async Task DecideAsync()
    {
        if (_mode != EsiMode.Undecided) return;
        _mode = await _exchange.DecideAsync();
        if (_waiting.WrittenCount == 0 || _mode == EsiMode.Assemble) return;
        if (_mode == EsiMode.Forward) _inner.Writer.Write(_waiting.WrittenSpan);
        _waiting.Clear();
    }
}
