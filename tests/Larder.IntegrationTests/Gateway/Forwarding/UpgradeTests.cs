using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>Connections that switch protocols.</summary>
public sealed class UpgradeTests
{
    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task A_WebSocket_echoes_through_the_gateway(HttpProtocols protocol)
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync("echo");
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } message)
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, default);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        });
        await using Front front = await Front.StartAsync(origin.Address, idle: TimeSpan.FromMilliseconds(50), protocols: protocol);
        using var invoker = new HttpClient();
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("echo");
        client.Options.HttpVersion = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;

        await client.ConnectAsync(new UriBuilder(front.Address) { Scheme = "ws" }.Uri, invoker, default);
        var buffer = new byte[100];
        foreach (string text in (string[])["one", "two"])
        {
            await client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, default);
            WebSocketReceiveResult received = await client.ReceiveAsync(buffer, default);
            Assert.Equal(text, Encoding.UTF8.GetString(buffer, 0, received.Count));
        }
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);

        Assert.Equal("echo", client.SubProtocol);
        Assert.Equal("bye", client.CloseStatusDescription);
        Assert.Equal((null, null), front.NextEnd());
    }

    [Fact]
    public async Task An_upgrade_that_the_origin_declines_is_an_answer_as_usual()
    {
        var seen = new TaskCompletionSource<string>();
        using var origin = new RawOrigin(async (wire, _) =>
        {
            seen.SetResult(await wire.ReadHeadAsync());
            await wire.SendAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using RawClient client = await RawClient.ConnectAsync(front.Address);

        await client.Wire.SendAsync("GET / HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", await client.Wire.ReadHeadAsync());
        Assert.Contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", await seen.Task);
    }

    [Fact]
    public async Task Clear_text_HTTP2_is_never_switched_to()
    {
        var seen = new TaskCompletionSource<string>();
        using var origin = new RawOrigin(async (wire, _) =>
        {
            seen.SetResult(await wire.ReadHeadAsync());
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using RawClient client = await RawClient.ConnectAsync(front.Address);

        await client.Wire.SendAsync("GET / HTTP/1.1\r\nHost: front\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.Wire.ReadHeadAsync());
        string head = await seen.Task;
        Assert.DoesNotContain("Upgrade", head);
        Assert.DoesNotContain("HTTP2-Settings", head);
    }
}
