using System.Net.Http;
using Larder.Gateway.Origins;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Forwarding;

/// <summary>What became of sending a request: an answer's head, or why there is none.</summary>
/// <param name="Server">The last one that was asked.</param>
/// <param name="Answer">The answer; null if none came.</param>
/// <param name="Body">The body on its way; null if the request has none.</param>
/// <param name="Error">Why there is no answer; null if there is one.</param>
/// <param name="NothingWasSent">Whether no server can have seen the request: a failure of the last one says nothing of those before.</param>
internal readonly record struct Sent(OriginServer Server, HttpResponseMessage? Answer, RequestBody? Body, Exception? Error, bool NothingWasSent);

/// <summary>
/// Sends a request to a server of its origin, and once more to another one where that can do no harm: the method is
/// idempotent, there is no body and no upgrade, and the connection could not be made or closed before an answer's head
/// was whole. A server that is silent or breaks the protocol has got the request: that is an answer of a kind.
/// </summary>
internal static class Sender
{
    /// <summary>Sends. Does not throw what an origin or a client can cause.</summary>
    public static async Task<Sent> SendAsync(HttpContext context, ForwardingPlan plan, Origin origin, string target, string? upgrade, Exchange exchange, ILogger logger)
    {
        InterimRelay? interim = upgrade is null ? InterimRelay.For(context, exchange, plan.Options.Headers.Response, origin.Headers.Response) : null;
        InterimRelay.Current = interim;
        try
        {
            return await TrySendAsync(context, plan, origin, target, upgrade, exchange, logger);
        }
        finally
        {
            if (interim is not null) await interim.CloseAsync();
        }
    }

    private static async Task<Sent> TrySendAsync(HttpContext context, ForwardingPlan plan, Origin origin, string target, string? upgrade, Exchange exchange, ILogger logger)
    {
        uint tried = 0;
        OriginServer server = origin.Pool.Next(ref tried)!;
        bool nothingWasSent = true;
        for (int repeats = MayRepeat(context, upgrade) ? origin.Retries : 0; ; repeats--)
        {
            HttpRequestMessage request = OriginRequest.Build(context, plan, origin, server, target, upgrade, exchange);
            var body = request.Content as RequestBody;
            var attempt = Attempt.Begin();
            try
            {
                return new(server, await server.SendAsync(request, exchange.Token), body, null, false);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                OriginFailure? failure = exchange.Token.IsCancellationRequested ? null : OriginFailure.From(e, plan.Options.ConnectTimeout);
                nothingWasSent &= failure is { NothingWasSent: true } && !attempt.HasWritten;
                if (failure is { NothingWasSent: true } && origin.Pool.Servers.Count > 1) server.Failed();
                if (repeats <= 0 || failure is not { IsBeforeAnswer: true } || origin.Pool.Next(ref tried) is not { } next)
                    return new(server, null, body, e, nothingWasSent);
                Log.SentOnceMore(logger, server.Address.Name, failure.Cause, next.Address.Name);
                exchange.Progress();
                server = next;
            }
        }
    }

    private static bool MayRepeat(HttpContext context, string? upgrade) =>
        upgrade is null && OriginRequest.IsIdempotent(context.Request.Method) && !OriginRequest.MayHaveBody(context);
}
