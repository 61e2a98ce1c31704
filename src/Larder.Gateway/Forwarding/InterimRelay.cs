using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Passes interim answers (RFC 9110 §15.2: 102, 103) on to the client of one request. The server has no way to send them, so they are written to its connection while
/// the server itself is silent there: before the answer has started, for HTTP/1.1 clients, and for requests without a body only, since reading one may make
/// the server write a 100.
/// </summary>
/// <remarks>Invariant: nothing is written once <see cref="CloseAsync"/> has returned, which the forwarder awaits before it answers.</remarks>
internal sealed class InterimRelay
{
    /// <summary>An origin may send any number; a client is not to be kept busy by them.</summary>
    private const int Most = 16;

    private static readonly AsyncLocal<InterimRelay?> Own = new();

    private readonly SemaphoreSlim _gate = new(1);
    private readonly PipeWriter _output;
    private int _sent;
    private bool _closed;

    private InterimRelay(PipeWriter output) => _output = output;

    /// <summary>The relay of the request that is being sent on this flow; null where its interim answers are dropped.</summary>
    public static InterimRelay? Current
    {
        get => Own.Value;
        set => Own.Value = value;
    }

    /// <summary>A relay to the client; null where there is no way to it.</summary>
    public static InterimRelay? For(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (!HttpProtocol.IsHttp11(request.Protocol) || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || OriginRequest.MayHaveBody(context) || context.Response.HasStarted) return null;
        return context.Features.Get<IConnectionTransportFeature>()?.Transport.Output is { } output ? new(output) : null;
    }

    /// <summary>Passes one on. Fields of one hop stay here; one with a character that no field has is dropped.</summary>
    public async ValueTask TellAsync(int status, string reason, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        await _gate.WaitAsync();
        try
        {
            if (_closed || _sent++ >= Most) return;
            _output.Write(Encoding.Latin1.GetBytes(Head(status, reason, fields)));
            await _output.FlushAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Passes nothing on any more.</summary>
    public async ValueTask CloseAsync()
    {
        await _gate.WaitAsync();
        _closed = true;
        _gate.Release();
    }

    private static string Head(int status, string reason, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        var head = new StringBuilder(256).Append("HTTP/1.1 ").Append(status).Append(' ').Append(HeaderRules.HasControl(reason) ? "" : reason).Append("\r\n");
        HashSet<string> oneHop = new(fields.Where(static field => field.Key.Equals("Connection", StringComparison.OrdinalIgnoreCase)).SelectMany(static field => HeaderRules.Tokens([field.Value])), StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in fields)
        {
            // What frames a final answer has no place in an interim one.
            if (HeaderRules.IsHopByHop(name) || oneHop.Contains(name) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) || HeaderRules.HasControl(value) || !Configuration.HttpToken.Is(name)) continue;
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        return head.Append("\r\n").ToString();
    }
}
