using System.Buffers;
using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// The client's body on its way to the origin: one rented buffer, the next read only after the last write.
/// Invariants: the client's stream is touched only while the gate is held and the body is not closed, so after
/// <see cref="CloseAsync"/> the server may reuse the request although a write to the origin may still be stuck;
/// an error of the client's side is noted before the exchange is stopped, so it is never blamed on the origin.
/// </summary>
internal sealed class RequestBody(HttpContext context, long? length, Exchange exchange) : HttpContent
{
    private const int BufferSize = 16 * 1024;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private bool _closed;

    /// <summary>What went wrong on the client's side; null if nothing did.</summary>
    public Exception? ClientError { get; private set; }

    /// <summary>Whether the exchange was stopped while the next bytes were the client's to send.</summary>
    public bool StoppedAtClient { get; private set; }

    /// <summary>Stops reading; after this nothing touches the request any more.</summary>
    public async Task CloseAsync()
    {
        exchange.Stop();
        await _gate.WaitAsync(CancellationToken.None);
        _closed = true;
        _gate.Release();
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long computed)
    {
        computed = length.GetValueOrDefault();
        return length is not null;
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? transport) =>
        SerializeToStreamAsync(stream, transport, CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? transport, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (await ReadAsync(buffer) is var read and > 0)
            {
                await stream.WriteAsync(buffer.AsMemory(0, read), exchange.Token);
                await stream.FlushAsync(exchange.Token);
                exchange.Progress();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<int> ReadAsync(Memory<byte> buffer)
    {
        await _gate.WaitAsync(exchange.Token);
        try
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            int read = await context.Request.Body.ReadAsync(buffer, exchange.Token);
            exchange.Progress();
            return read;
        }
        catch (OperationCanceledException) when (exchange.Token.IsCancellationRequested)
        {
            StoppedAtClient = true;
            throw;
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            ClientError = e;
            exchange.Stop();
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }
}
