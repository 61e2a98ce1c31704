namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>What of a request's and a response's head arrives on the other side.</summary>
public sealed class HeadTests
{
    [Theory]
    [InlineData("/a%2fb/%2e%2e/../c//d/./e?x=%zz&y=a|b", null)]
    [InlineData("//evil.example/..%2f?", null)]
    [InlineData("/q?%00%0d%0a", null)]
    [InlineData("http://front/a/../b?c", "/a/../b?c")]
    public async Task The_target_arrives_byte_for_byte(string target, string? expected)
    {
        string head = await OriginSees(target, "");

        Assert.StartsWith($"GET {expected ?? target} HTTP/1.1\r\n", head);
    }

    [Theory]
    [InlineData("/a#b")]
    [InlineData("/a\\b")]
    [InlineData("/a\u0001")]
    [InlineData("/\u00e4")]
    [InlineData("/%00")]
    public async Task A_target_that_cannot_is_refused_and_the_origin_sees_nothing(string target)
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using Front front = await Front.StartAsync(origin.Address);

        string answer = await RawClient.ExchangeAsync(front.Address, $"GET {target} HTTP/1.1\r\nHost: front\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Equal(0, origin.Connections);
    }

    [Theory]
    [InlineData("Connection: Content-Length")]
    [InlineData("Connection: x-a\r\nConnection: cookie")]
    [InlineData("X-A: \u0001")]
    public async Task A_hostile_header_is_refused_with_a_document_and_the_connection_closed(string header)
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using Front front = await Front.StartAsync(origin.Address);

        string answer = await RawClient.ExchangeAsync(front.Address, $"GET / HTTP/1.1\r\nHost: front\r\n{header}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("Connection: close", answer);
        Assert.Contains("application/problem+json", answer);
        Assert.Contains("\"status\":400", answer);
        Assert.Equal(0, origin.Connections);
        Assert.Null(front.NextEnd().Reason);
    }

    [Fact]
    public async Task Request_headers_arrive_as_Latin1_in_order_and_without_those_of_one_hop()
    {
        string head = await OriginSees("/", "X-Lat: caf\u00e9\r\nX-Two: b\r\nX-Two: a\r\nX-Empty:\r\nCookie: a=1\r\nUser-Agent: odd (agent\r\n" +
            "Connection: TE, X-Mine\r\nKeep-Alive: 5\r\nX-Mine: 1\r\nProxy-Authorization: x\r\nTE: trailers, gzip\r\nIf-None-Match: W/odd\r\n" +
            "traceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\n");

        Assert.Contains("\r\nX-Lat: caf\u00e9\r\n", head);
        Assert.Contains("\r\nX-Two: b, a\r\n", head);
        Assert.Contains("\r\nX-Empty:", head);
        Assert.Contains("\r\nCookie: a=1\r\n", head);
        Assert.Contains("\r\nUser-Agent: odd (agent\r\n", head);
        Assert.Contains("\r\nIf-None-Match: W/odd\r\n", head);
        Assert.Contains("traceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\n", head);
        Assert.Contains("\r\nTE: trailers\r\n", head);
        Assert.Contains("\r\nConnection: TE\r\n", head);
        foreach (string gone in (string[])["Keep-Alive", "X-Mine", "Proxy-", "gzip"])
            Assert.DoesNotContain(gone, head, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("X-Mine", "X-Mine: 1")]
    [InlineData("Cookie", "Cookie: a=1")]
    public async Task A_name_beside_close_removes_nothing(string name, string header)
    {
        string head = await OriginSees("/", $"Connection: close, {name}\r\n{header}\r\n");

        Assert.Contains($"\r\n{header}\r\n", head);
    }

    [Fact]
    public async Task Forwarding_headers_are_the_gateways_own()
    {
        string head = await OriginSees("/", "Forwarded: for=evil\r\nX-Forwarded-For: evil\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: evil\r\nX_Forwarded_Proto: evil\r\n" +
            "X-Real-IP: evil\r\nX-Host: evil\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Original-Host: evil\r\nX-HTTP-Method-Override: evil\r\n" +
            "X-HTTP-Method: evil\r\nX-Method-Override: evil\r\nProxy: evil\r\nMax-Forwards: 0\r\nVia: 1.0 other\r\n");

        Assert.DoesNotContain("evil", head);
        Assert.DoesNotContain("Max-Forwards", head);
        Assert.Contains("\r\nX-Forwarded-For: 127.0.0.1\r\n", head);
        Assert.Contains("\r\nX-Forwarded-Host: front\r\n", head);
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\n", head);
        Assert.Matches("\r\nVia: 1\\.0 other, 1\\.1 larder-[0-9a-f]{16}\r\n", head);
        Assert.Matches("\r\nHost: 127\\.0\\.0\\.1:[0-9]+\r\n", head);
    }

    [Fact]
    public async Task Response_headers_arrive_as_sent_and_without_those_of_one_hop()
    {
        string answer = await ClientSees("HTTP/1.1 299 Quite Fine\r\nX-Lat: caf\u00e9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Two: b\r\nX-Two: a, c\r\nExpires: 0\r\n" +
            "Via: 1.0 other\r\nConnection: close, X-Mine, Cache-Control\r\nX-Mine: 1\r\nCache-Control: private\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\n" +
            "Upgrade: h2c\r\nProxy-Status: ok\r\nContent-Length: 2\r\n\r\nhi");

        Assert.StartsWith("HTTP/1.1 299 Quite Fine\r\n", answer);
        Assert.Contains("\r\nX-Lat: caf\u00e9\r\n", answer);
        Assert.Contains("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n", answer);
        Assert.Contains("\r\nX-Two: b\r\nX-Two: a, c\r\n", answer);
        Assert.Contains("\r\nExpires: 0\r\n", answer);
        Assert.Contains("\r\nVia: 1.0 other\r\nVia: 1.1 larder\r\n", answer);
        Assert.Contains("\r\nCache-Control: private\r\n", answer);
        Assert.Contains("\r\nProxy-Status: ok\r\n", answer);
        Assert.EndsWith("\r\n\r\nhi", answer);
        foreach (string gone in (string[])["X-Mine", "Keep-Alive", "Proxy-Auth", "Upgrade", "Server:"])
            Assert.DoesNotContain(gone, answer);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\n")]
    public async Task Answers_without_a_body_pass(string origin, string expected) => Assert.StartsWith(expected, await ClientSees(origin));

    [Theory]
    [InlineData("OPTIONS * HTTP/1.1\r\n", "HTTP/1.1 204 ")]
    [InlineData("OPTIONS /x HTTP/1.1\r\nMax-Forwards: 0\r\n", "HTTP/1.1 204 ")]
    [InlineData("TRACE /x HTTP/1.1\r\nMax-Forwards: 0\r\nCookie: secret\r\n", "HTTP/1.1 200 ")]
    [InlineData("CONNECT h:80 HTTP/1.1\r\n", "HTTP/1.1 501 ")]
    public async Task What_ends_here_does_not_reach_the_origin(string request, string expected)
    {
        using RawOrigin origin = RawOrigin.Answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        await using Front front = await Front.StartAsync(origin.Address);
        string host = request.StartsWith("CONNECT", StringComparison.Ordinal) ? "h:80" : "front";

        string answer = await RawClient.ExchangeAsync(front.Address, $"{request}Host: {host}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith(expected, answer);
        Assert.DoesNotContain("secret", answer);
        Assert.Equal(0, origin.Connections);
    }

    [Fact]
    public async Task Max_Forwards_counts_down()
    {
        string head = await OriginSees("/x", "Max-Forwards: 3\r\n", "OPTIONS");

        Assert.Contains("\r\nMax-Forwards: 2\r\n", head);
    }

    private static async Task<string> OriginSees(string target, string headers, string method = "GET")
    {
        var seen = new TaskCompletionSource<string>();
        using var origin = new RawOrigin(async (wire, _) =>
        {
            seen.SetResult(await wire.ReadHeadAsync());
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        await using Front front = await Front.StartAsync(origin.Address);
        using RawClient client = await RawClient.ConnectAsync(front.Address);
        await client.Wire.SendAsync($"{method} {target} HTTP/1.1\r\nHost: front\r\n{headers}\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.Wire.ReadHeadAsync());
        return await seen.Task;
    }

    private static async Task<string> ClientSees(string answer)
    {
        using RawOrigin origin = RawOrigin.Answering(answer);
        await using Front front = await Front.StartAsync(origin.Address);
        return await RawClient.ExchangeAsync(front.Address, "GET / HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n");
    }
}
