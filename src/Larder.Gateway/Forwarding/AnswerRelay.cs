using System.Net.Http;
using Larder.Gateway.Origins;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Forwarding;

/// <summary>Carries what an origin answers over to the client: head, body and trailers, or a connection that switches protocols.</summary>
internal sealed class AnswerRelay(ILogger logger)
{
    /// <summary>Carries an answer over, or says in its place what is wrong with it.</summary>
    public async Task AnswerAsync(HttpContext context, ForwarderOptions options, Exchange exchange, Origin origin, Sent sent, bool upgrade)
    {
        exchange.Window(options.IdleTimeout);
        HttpResponseMessage response = sent.Answer!;
        string name = sent.Server.Address.Name;
        OriginFailure? fault = OriginResponse.Fault(response, upgrade) ?? CopyHead(response, context, origin, sent.Server.Address);
        if (fault is not null)
        {
            await FailAsync(context, name, fault, nameof(InvalidOperationException));
        }
        else if (upgrade && response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            Log.Upgraded(logger, name);
            await UpgradeRelay.PumpAsync(context, await response.Content.ReadAsStreamAsync(exchange.Token), exchange);
        }
        else if (OriginResponse.MayHaveBody(context.Request, context.Response))
        {
            await StreamAsync(context, exchange, response, name);
        }
    }

    /// <summary>Answers in the place of an origin.</summary>
    public Task FailAsync(HttpContext context, string origin, OriginFailure failure, string exception)
    {
        Log.OriginFailed(logger, origin, failure.Reason.Name(), failure.Cause, exception);
        return Problem.FailAsync(context, origin, failure);
    }

    private async Task StreamAsync(HttpContext context, Exchange exchange, HttpResponseMessage response, string origin)
    {
        try
        {
            await BodyRelay.CopyAsync(await response.Content.ReadAsStreamAsync(exchange.Token), context, exchange);
            OriginResponse.CopyTrailers(response, context.Response);
        }
        catch (OriginBodyException e)
        {
            Log.BodyBroken(logger, origin, e.Reason.Name());
            if (context.Response.HasStarted) context.Abort();
            else context.Features.Set<Larder.AspNetCore.IOriginFailureFeature>(new OriginFailure(e.Reason, e.Message));
            throw;
        }
        catch (OperationCanceledException)
        {
            Log.ClientLeft(logger, origin);
            context.Abort();
            throw;
        }
    }

    private static OriginFailure? CopyHead(HttpResponseMessage response, HttpContext context, Origin origin, OriginAddress address)
    {
        try
        {
            OriginResponse.CopyHead(response, context);
            OriginLocation.Rewrite(context, address);
            FieldEditor.Apply(origin.Headers.Response, context.Response.Headers);
            return null;
        }
        catch (InvalidOperationException)
        {
            context.Response.Clear();
            return OriginFailure.Protocol("sent a response header that is not allowed in HTTP.");
        }
    }
}
