using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Gateway.Forwarding;

/// <summary>A connection that has switched protocols: bytes both ways until either side ends. The idle timeout does not apply.</summary>
internal static class UpgradeRelay
{
    /// <summary>Switches the client's side, whose response head is set, and pumps.</summary>
    public static async Task PumpAsync(HttpContext context, Stream origin, Exchange exchange)
    {
        exchange.Window(Timeout.InfiniteTimeSpan);
        await using Stream client = await SwitchAsync(context);
        await using Stream _ = origin;
        Task down = CopyAsync(origin, client, exchange.Token);
        Task up = CopyAsync(client, origin, exchange.Token);
        await Task.WhenAny(down, up);
        exchange.Stop();
        await Task.WhenAll(down, up);
    }

    private static ValueTask<Stream> SwitchAsync(HttpContext context)
    {
        if (!RequestGuard.IsExtendedConnect(context))
            return new(context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync());

        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.Headers.Remove("Sec-WebSocket-Accept");
        context.Response.Headers.Remove("Upgrade");
        return context.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
    }

    private static async Task CopyAsync(Stream from, Stream to, CancellationToken stop)
    {
        try
        {
            await from.CopyToAsync(to, stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // A peer that goes away ends the tunnel; after the switch there is nobody left to tell.
        }
    }
}
