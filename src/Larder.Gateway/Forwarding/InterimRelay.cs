using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Larder.Gateway.Hosting;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Passes interim answers (RFC 9110 §15.2: 102, 103) on to the client of one request. The server has no way to send them, so they are written to its connection while
/// the server itself is silent there: before the answer has started, for HTTP/1.1 clients, and for requests without a body only, since reading one may make
/// the server write a 100.
/// </summary>
/// <remarks>Invariant: nothing is written once <see cref="CloseAsync"/> has returned, which the forwarder awaits before it answers. Whoever holds the gate waits for
/// nothing but the client, and for no longer than the exchange's token lets it.</remarks>
internal sealed class InterimRelay
{
    /// <summary>An origin may send any number; a client is not to be kept busy by them.</summary>
    private const int Most = 16;

    private static readonly AsyncLocal<InterimRelay?> Own = new();

    private readonly SemaphoreSlim _gate = new(1);
    private readonly PipeWriter _output;
    private readonly HttpContext _context;
    private readonly Exchange _exchange;
    private readonly FieldChanges[] _changes;
    private int _sent;
    private bool _closed;

    private InterimRelay(PipeWriter output, HttpContext context, Exchange exchange, FieldChanges[] changes)
    {
        _output = output;
        _context = context;
        _exchange = exchange;
        _changes = changes;
    }

    /// <summary>The relay of the request that is being sent on this flow; null where its interim answers are dropped.</summary>
    public static InterimRelay? Current
    {
        get => Own.Value;
        set => Own.Value = value;
    }

    /// <summary>A relay to the client; null where there is no way to it.</summary>
    /// <param name="changes">What the configuration changes in answers.</param>
    public static InterimRelay? For(HttpContext context, Exchange exchange, params FieldChanges[] changes)
    {
        HttpRequest request = context.Request;
        if (!HttpProtocol.IsHttp11(request.Protocol) || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || OriginRequest.MayHaveBody(context) || context.Response.HasStarted) return null;
        return context.Features.Get<IConnectionTransportFeature>()?.Transport.Output is { } output ? new(output, context, exchange, changes) : null;
    }

    /// <summary>Passes one on, as far as it concerns the client. Never throws: what is wrong at the client's side is no failure of the origin, which is being read.</summary>
    public async ValueTask TellAsync(int status, string reason, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_closed || _exchange.Token.IsCancellationRequested || _sent++ >= Most) return;
            _output.Write(Encoding.Latin1.GetBytes(Head(status, reason, fields)));
            await _output.FlushAsync(_exchange.Token);
        }
        catch (OperationCanceledException)
        {
            // A part of a head may have gone out: nothing can follow it.
            _closed = true;
            _exchange.GiveUpClient();
            _context.Abort();
        }
        catch (Exception)
        {
            _closed = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Passes nothing on any more. Whoever holds the gate lets go of it when the exchange has taken too long, or the client leaves.</summary>
    public async ValueTask CloseAsync()
    {
        await _gate.WaitAsync(CancellationToken.None);
        _closed = true;
        _gate.Release();
    }

    private string Head(int status, string reason, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        var head = new StringBuilder(256).Append("HTTP/1.1 ").Append(status).Append(' ').Append(HeaderRules.HasControl(reason) ? "" : reason).Append("\r\n");
        HashSet<string> oneHop = new(fields.Where(static field => field.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase)).SelectMany(static field => HeaderRules.Tokens([field.Value])), StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in fields)
        {
            if (Stays(name) || oneHop.Contains(name) || HeaderRules.HasControl(value) || !Configuration.HttpToken.Is(name)) continue;
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        return head.Append("\r\n").ToString();
    }

    /// <summary>
    /// What frames a final answer has no place here. A cookie would be set before the cache has its say, and what the configuration removes or replaces in answers
    /// must not come this way either.
    /// </summary>
    private bool Stays(string name) =>
        HeaderRules.IsHopByHop(name) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) || name.Equals("Set-Cookie2", StringComparison.OrdinalIgnoreCase)
        || _changes.Any(changes => changes.Remove.Contains(name, StringComparer.OrdinalIgnoreCase) || changes.Set.Keys.Contains(name, StringComparer.OrdinalIgnoreCase));
}
