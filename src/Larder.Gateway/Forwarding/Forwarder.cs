using System.Net.Http;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// The last handler of the gateway: sends the request to the origin and streams the answer back. It returns when a whole
/// answer (the origin's or an error document) has been written, and throws otherwise: <see cref="OriginBodyException"/>
/// when the origin broke off, <see cref="OperationCanceledException"/> when the client left; both after aborting the
/// client's connection, and both ended by <see cref="QuietAborts"/>. Before an error document is written in place of the
/// origin, <see cref="Larder.AspNetCore.IOriginFailureFeature"/> is set. If the origin broke off while a middleware still
/// held the response back (it has not started), the feature is set in place of the abort: the middleware may then answer.
/// It never retries. The handler itself repeats a request without content, on another connection, when a connection
/// closes before any byte of an answer; only idempotent requests are sent without content (<see cref="OriginRequest"/>).
/// To an HTTP/1.1 origin the handler sends the whole body before it reads the answer, unless the client expects 100.
/// </summary>
internal sealed class Forwarder : IDisposable
{
    private readonly ForwarderOptions _options;
    private readonly OriginAddress _origin;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _invoker;

    /// <summary>Creates a forwarder with a connection pool of its own.</summary>
    /// <exception cref="ArgumentException">The origin is not a plain absolute http or https URI.</exception>
    public Forwarder(ForwarderOptions options, ILogger<Forwarder> logger, TimeProvider time)
    {
        _options = options;
        _origin = new OriginAddress(options.Origin);
        _logger = logger;
        _time = time;
        _invoker = new HttpMessageInvoker(Handler(options), disposeHandler: true);
    }

    /// <summary>Sets up the server so that header values arrive and leave as Latin-1, byte for byte, with bounded heads. Bodies stream, so their size is the origin's to limit.</summary>
    public static void ConfigureKestrel(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        options.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        options.Limits.MaxRequestLineSize = 16 * 1024;
        options.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        options.Limits.MaxRequestHeaderCount = 100;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        options.Limits.MaxRequestBodySize = null;
    }

    /// <summary>Forwards one request and answers it.</summary>
    public async Task ForwardAsync(HttpContext context)
    {
        RequestTarget target = RequestGuard.TargetOf(context);
        Refusal? refusal = RequestGuard.Apply(context) ?? RequestTarget.LeavingBase(_origin.PathBase, target.PathAndQuery!);
        if (refusal is not null)
            await RefuseAsync(context, refusal);
        else if (LocalAnswer.Applies(context.Request, target))
            await LocalAnswer.WriteAsync(context, target.PathAndQuery!);
        else
            await ExchangeAsync(context, target.PathAndQuery!);
    }

    /// <summary>Answers a request that can't be forwarded.</summary>
    public Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        Log.Refused(_logger, refusal.Status, refusal.Detail);
        return Problem.RefuseAsync(context, refusal);
    }

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    private static SocketsHttpHandler Handler(ForwarderOptions options) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    };

    private async Task ExchangeAsync(HttpContext context, string target)
    {
        var exchange = new Exchange(context, _options.ResponseTimeout, _time);
        string? upgrade = OriginRequest.UpgradeOf(context);
        HttpRequestMessage request = OriginRequest.Build(context, _origin, target, upgrade, exchange);
        var body = request.Content as RequestBody;
        try
        {
            HttpResponseMessage response;
            try
            {
                response = await _invoker.SendAsync(request, exchange.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                await NoAnswerAsync(context, exchange, body, e);
                return;
            }
            using (response) await AnswerAsync(context, exchange, response, upgrade is not null);
        }
        finally
        {
            if (body is not null) await body.CloseAsync();
            exchange.End();
        }
    }

    private async Task AnswerAsync(HttpContext context, Exchange exchange, HttpResponseMessage response, bool upgrade)
    {
        exchange.Window(_options.IdleTimeout);
        OriginFailure? fault = OriginResponse.Fault(response, upgrade) ?? CopyHead(response, context, _origin);
        if (fault is not null)
        {
            await FailAsync(context, fault, nameof(InvalidOperationException));
        }
        else if (upgrade && response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            Log.Upgraded(_logger, _origin.Name);
            await UpgradeRelay.PumpAsync(context, await response.Content.ReadAsStreamAsync(exchange.Token), exchange);
        }
        else if (OriginResponse.MayHaveBody(context.Request, context.Response))
        {
            await StreamAsync(context, exchange, response);
        }
    }

    private async Task StreamAsync(HttpContext context, Exchange exchange, HttpResponseMessage response)
    {
        try
        {
            await BodyRelay.CopyAsync(await response.Content.ReadAsStreamAsync(exchange.Token), context, exchange);
            OriginResponse.CopyTrailers(response, context.Response);
        }
        catch (OriginBodyException e)
        {
            Log.BodyBroken(_logger, _origin.Name, e.Reason.Name());
            if (context.Response.HasStarted) context.Abort();
            else context.Features.Set<Larder.AspNetCore.IOriginFailureFeature>(new OriginFailure(e.Reason, e.Message));
            throw;
        }
        catch (OperationCanceledException)
        {
            Log.ClientLeft(_logger, _origin.Name);
            context.Abort();
            throw;
        }
    }

    private static OriginFailure? CopyHead(HttpResponseMessage response, HttpContext context, OriginAddress origin)
    {
        try
        {
            OriginResponse.CopyHead(response, context);
            OriginLocation.Rewrite(context, origin);
            return null;
        }
        catch (InvalidOperationException)
        {
            context.Response.Clear();
            return OriginFailure.Protocol("sent a response header that is not allowed in HTTP.");
        }
    }

    private async Task NoAnswerAsync(HttpContext context, Exchange exchange, RequestBody? body, Exception cause)
    {
        bool stopped = exchange.Token.IsCancellationRequested;
        if (body is not null) await body.CloseAsync();

        if (body?.ClientError is Microsoft.AspNetCore.Http.BadHttpRequestException bad)
        {
            await RefuseAsync(context, new Refusal(bad.StatusCode, "The request body is malformed, too large or too slow."));
        }
        else if (exchange.ClientLeft || body?.ClientError is not null)
        {
            Log.ClientLeft(_logger, _origin.Name);
            context.Abort();
            throw new OperationCanceledException("The client left.", cause, context.RequestAborted);
        }
        else if (stopped && body is { StoppedAtClient: true })
        {
            await RefuseAsync(context, new Refusal(408, "The request body stalled."));
        }
        else if (stopped)
        {
            await FailAsync(context, OriginFailure.NoAnswer(_options.ResponseTimeout), nameof(TimeoutException));
        }
        else
        {
            OriginFailure failure = OriginFailure.From(cause, _options.ConnectTimeout) ?? throw new InvalidOperationException("The handler gave up without a cause.", cause);
            await FailAsync(context, failure, cause.GetType().Name);
        }
    }

    private Task FailAsync(HttpContext context, OriginFailure failure, string exception)
    {
        Log.OriginFailed(_logger, _origin.Name, failure.Reason.Name(), failure.Cause, exception);
        return Problem.FailAsync(context, _origin.Name, failure);
    }
}
