using System.IO.Pipelines;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Streams the origin's body into the response: the origin's bytes are read straight into the response writer's memory
/// and flushed as they come, and the next read waits for the flush. Memory per exchange is one buffer and what the server buffers.
/// </summary>
internal static class BodyRelay
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Copies to the end.</summary>
    /// <exception cref="OriginBodyException">The origin's body ended early or stalled.</exception>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public static async Task CopyAsync(Stream body, HttpContext context, Exchange exchange)
    {
        // A small body that the cache keeps may wait for its end, for its entity tag; any other has its head sent at once.
        if (context.Features.Get<IHttpResponseBodyFeature>() is not TeeBody { MayWait: true }) await context.Response.StartAsync(exchange.Token);
        PipeWriter writer = context.Response.BodyWriter;
        await FlushHeadIfSlowAsync(body, writer, exchange);
        while (true)
        {
            int read = await ReadAsync(body, writer.GetMemory(BufferSize), exchange);
            if (read == 0) return;
            writer.Advance(read);
            FlushResult flushed = await writer.FlushAsync(exchange.Token);
            if (flushed.IsCompleted || flushed.IsCanceled) throw new OperationCanceledException(context.RequestAborted);
            exchange.Progress();
        }
    }

    /// <summary>The head goes out at once if the body is not there yet, and together with its first bytes if it is.</summary>
    private static async Task FlushHeadIfSlowAsync(Stream body, PipeWriter writer, Exchange exchange)
    {
        ValueTask<int> first = ReadAsync(body, Memory<byte>.Empty, exchange);
        if (!first.IsCompleted) await writer.FlushAsync(exchange.Token);
        await first;
    }

    private static async ValueTask<int> ReadAsync(Stream body, Memory<byte> memory, Exchange exchange)
    {
        try
        {
            return await body.ReadAsync(memory, exchange.Token);
        }
        catch (OperationCanceledException e) when (exchange.ClientLeft)
        {
            throw new OperationCanceledException("The client left.", e);
        }
        catch (OperationCanceledException e)
        {
            throw new OriginBodyException("The origin's body stalled.", Reason.ErrorTimeout, e);
        }
        catch (Exception e)
        {
            throw new OriginBodyException("The origin's body ended early.", Reason.ErrorProtocol, e);
        }
    }
}
