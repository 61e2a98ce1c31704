using System.Net.Http;
using System.Text;
using Larder.Gateway.Origins;
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
/// What may be sent once more, to another server, is said in <see cref="Sender"/>. Below that the handler itself repeats a request
/// without content, on another connection to the same server, when a connection closes before any byte of an answer; only
/// idempotent requests are sent without content (<see cref="OriginRequest"/>).
/// To an HTTP/1.1 origin the handler sends the whole body before it reads the answer, unless the client expects 100.
/// </summary>
internal sealed class Forwarder : IDisposable
{
    private readonly GatewayName _name = new();
    private readonly ILogger _logger;
    private readonly AnswerRelay _relay;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private volatile ForwardingPlan _plan;
    private volatile bool _disposed;

    /// <summary>Creates a forwarder with connections of its own.</summary>
    /// <exception cref="ArgumentException">An origin is not a plain absolute http or https URI.</exception>
    public Forwarder(ForwarderOptions options, ILogger<Forwarder> logger, TimeProvider time)
    {
        _logger = logger;
        _relay = new(logger);
        _time = time;
        _plan = new ForwardingPlan(options, _name, null, logger, time);
    }

    /// <summary>What requests that come now follow.</summary>
    public ForwardingPlan Plan => _plan;

    /// <summary>Follows other options from now on; requests in progress go on under those that they began with.</summary>
    /// <returns>False if it has been disposed: then nothing is followed any more.</returns>
    /// <exception cref="ArgumentException">An origin is not a plain absolute http or https URI; nothing has changed.</exception>
    public bool Replace(ForwarderOptions options)
    {
        lock (_gate)
        {
            if (_disposed) return false;
            ForwardingPlan before = _plan;
            _plan = new ForwardingPlan(options, _name, before, _logger, _time);
            before.Retire();
            return true;
        }
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

    /// <summary>Why no origin would get a request; null if one would. A host asks before its cache, which then keeps nothing that no origin is for.</summary>
    public Refusal? Guard(HttpContext context) =>
        RequestGuard.Apply(context) ?? _name.LoopRefusal(context.Request) ?? (RequestGuard.TargetOf(context).IsAsterisk ? null : _plan.Table.Find(context, out _));

    /// <summary>Forwards one request and answers it.</summary>
    public async Task ForwardAsync(HttpContext context)
    {
        RequestTarget target = RequestGuard.TargetOf(context);
        if ((RequestGuard.Apply(context) ?? _name.LoopRefusal(context.Request)) is { } unfit)
        {
            await RefuseAsync(context, unfit);
            return;
        }
        if (LocalAnswer.Applies(context.Request, target))
        {
            await LocalAnswer.WriteAsync(context, target.PathAndQuery!);
            return;
        }
        ForwardingPlan plan = HoldPlan();
        try
        {
            Refusal? refusal = plan.Table.Find(context, out Origin? origin) ?? RequestTarget.LeavingBase(origin!.PathBase, target.PathAndQuery!);
            if (refusal is not null) await RefuseAsync(context, refusal);
            else await ExchangeAsync(context, plan, origin!, target.PathAndQuery!);
        }
        finally
        {
            plan.Release();
        }
    }

    /// <summary>Answers a request that can't be forwarded.</summary>
    public Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        Log.Refused(_logger, refusal.Status, refusal.Detail);
        return Problem.RefuseAsync(context, refusal);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _plan.Retire();
        }
    }

    /// <summary>A plan that has ended has been replaced before, or was the last one.</summary>
    private ForwardingPlan HoldPlan()
    {
        while (true)
        {
            ForwardingPlan plan = _plan;
            if (plan.TryHold()) return plan;
            ObjectDisposedException.ThrowIf(_disposed, this);
        }
    }

    private async Task ExchangeAsync(HttpContext context, ForwardingPlan plan, Origin origin, string target)
    {
        var exchange = new Exchange(context, plan.Options.ResponseTimeout, _time);
        string? upgrade = OriginRequest.UpgradeOf(context);
        RequestBody? body = null;
        try
        {
            Sent sent = await Sender.SendAsync(context, plan, origin, target, upgrade, exchange, _logger);
            body = sent.Body;
            if (sent.Answer is null)
            {
                await NoAnswerAsync(context, plan.Options, exchange, sent);
                return;
            }
            using (sent.Answer) await _relay.AnswerAsync(context, plan.Options, exchange, origin, sent, upgrade is not null);
        }
        finally
        {
            if (body is not null) await body.CloseAsync();
            exchange.End();
        }
    }

    private async Task NoAnswerAsync(HttpContext context, ForwarderOptions options, Exchange exchange, Sent sent)
    {
        bool stopped = exchange.Token.IsCancellationRequested;
        RequestBody? body = sent.Body;
        string name = sent.Server.Address.Name;
        if (body is not null) await body.CloseAsync();

        if (body?.ClientError is Microsoft.AspNetCore.Http.BadHttpRequestException bad)
        {
            await RefuseAsync(context, new Refusal(bad.StatusCode, "The request body is malformed, too large or too slow."));
        }
        else if (exchange.ClientLeft || body?.ClientError is not null)
        {
            Log.ClientLeft(_logger, name);
            context.Abort();
            throw new OperationCanceledException("The client left.", sent.Error, context.RequestAborted);
        }
        else if (stopped && body is { StoppedAtClient: true })
        {
            await RefuseAsync(context, new Refusal(408, "The request body stalled."));
        }
        else if (stopped)
        {
            await _relay.FailAsync(context, name, OriginFailure.NoAnswer(options.ResponseTimeout), nameof(TimeoutException));
        }
        else
        {
            OriginFailure failure = OriginFailure.From(sent.Error!, options.ConnectTimeout) ?? throw new InvalidOperationException("The handler gave up without a cause.", sent.Error);
            await _relay.FailAsync(context, name, failure with { NothingWasSent = sent.NothingWasSent }, sent.Error!.GetType().Name);
        }
    }
}
