using System.Net;
using System.Net.Sockets;
using System.Text;
using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>A well-behaved origin.</summary>
internal sealed class KestrelOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;

    private KestrelOrigin(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    /// <param name="port">0 for any free one.</param>
    /// <param name="configure">What the listener speaks; HTTP/1.1 by default.</param>
    public static async Task<KestrelOrigin> StartAsync(RequestDelegate handler, int port = 0, Action<ListenOptions>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Forwarder.ConfigureKestrel(kestrel);
            kestrel.Listen(IPAddress.Loopback, port, configure ?? (listen => listen.Protocols = HttpProtocols.Http1));
        });
        WebApplication app = builder.Build();
        app.UseWebSockets();
        app.Run(handler);
        await app.StartAsync();
        return new KestrelOrigin(app);
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>An origin that does what it is told with each connection, and notes the heads it was sent.</summary>
internal sealed class RawOrigin : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Wire, CancellationToken, Task> _serve;
    private int _connections;

    public RawOrigin(Func<Wire, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Address { get; }

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>An origin that reads one head and gives one answer per connection, then closes.</summary>
    public static RawOrigin Answering(string answer) => new(async (wire, _) =>
    {
        await wire.ReadHeadAsync();
        await wire.SendAsync(answer);
    });

    /// <summary>An address at which nobody listens.</summary>
    public static Uri Nobody()
    {
        using var origin = new RawOrigin((_, _) => Task.CompletedTask);
        return origin.Address;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await _serve(new Wire(client.GetStream()), _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
            }
        }
    }
}

/// <summary>One side of a connection, in Latin-1 text.</summary>
internal sealed class Wire(NetworkStream stream)
{
    public Stream Stream => stream;

    public Task SendAsync(string text) => stream.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask();

    /// <summary>Reads to the empty line, which is included; less if the connection ends.</summary>
    public Task<string> ReadHeadAsync() => ReadUntilAsync("\r\n\r\n");

    public async Task<string> ReadUntilAsync(string end)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal) && await stream.ReadAsync(one) == 1) text.Append((char)one[0]);
        return text.ToString();
    }

    /// <summary>Reads until the other side closes or resets; tells which.</summary>
    public async Task<(string Text, bool Reset)> ReadToEndAsync()
    {
        var bytes = new MemoryStream();
        try
        {
            await stream.CopyToAsync(bytes);
            return (Encoding.Latin1.GetString(bytes.ToArray()), false);
        }
        catch (IOException)
        {
            return (Encoding.Latin1.GetString(bytes.ToArray()), true);
        }
    }
}

/// <summary>A client that sends exactly what it is given.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _client = new();

    public Wire Wire => new(_client.GetStream());

    public static async Task<RawClient> ConnectAsync(Uri address)
    {
        var client = new RawClient();
        await client._client.ConnectAsync(IPAddress.Loopback, address.Port);
        return client;
    }

    /// <summary>Sends one request and reads until the connection closes.</summary>
    public static async Task<string> ExchangeAsync(Uri address, string request)
    {
        using RawClient client = await ConnectAsync(address);
        await client.Wire.SendAsync(request);
        return (await client.Wire.ReadToEndAsync()).Text;
    }

    /// <summary>Closes with a reset, as a client that was killed.</summary>
    public void Reset()
    {
        _client.LingerState = new LingerOption(true, 0);
        _client.Close();
    }

    public void Dispose() => _client.Dispose();
}
