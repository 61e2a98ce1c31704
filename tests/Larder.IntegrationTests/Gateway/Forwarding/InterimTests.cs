using System.Text;

namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>102 and 103 on their way from the origin to the client.</summary>
public sealed class InterimTests
{
    private const string Final = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static RawOrigin Answering(string answer) => new(async (wire, _) =>
    {
        while (await wire.ReadHeadAsync() is { Length: > 0 }) await wire.SendAsync(answer);
    });

    private static async Task<string> AskAsync(string answer, string request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    {
        using RawOrigin origin = Answering(answer);
        await using Front front = await Front.StartAsync(origin.Address);
        return await RawClient.ExchangeAsync(front.Address, request);
    }

    [Fact]
    public async Task They_come_before_the_answer_with_their_fields()
    {
        string seen = await AskAsync("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-A: 1\r\n\r\n" + Final);
        Assert.StartsWith("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\n", seen, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("X-A", seen[seen.IndexOf("200 OK", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_of_one_hop_and_framing_stay_behind()
    {
        string seen = await AskAsync("HTTP/1.1 103 Early Hints\r\nConnection: X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nLink: <b>\r\n\r\n" + Final);
        Assert.StartsWith("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\nHTTP/1.1 200 OK", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cookies_and_what_the_configuration_changes_in_answers_stay_behind()
    {
        using RawOrigin origin = Answering("HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=1\r\nX-Gone: 1\r\nX-Secret: 1\r\nX-Set: theirs\r\nLink: <b>\r\n\r\n" + Final);
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(new()
        {
            Origins = [new() { Urls = [origin.Address], Headers = new() { Response = new() { Remove = ["x-gone"] } } }],
            Headers = new() { Response = new() { Remove = ["x-secret"], Set = new Dictionary<string, string> { ["x-set"] = "ours" } } },
        });
        string seen = await RawClient.ExchangeAsync(gateway.Address, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\nHTTP/1.1 200 OK", seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: <b>\nX-Evil: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\nLink: <b>\n\n")]
    public async Task One_with_a_bare_line_feed_is_dropped_and_its_body_is_not_looked_at(string interim)
    {
        const string Body = "HTTP/1.1 103 Early Hints\r\nX-Evil: 1\r\n\r\n";
        string seen = await AskAsync($"{interim}HTTP/1.1 200 OK\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        Assert.StartsWith("HTTP/1.1 200 OK", seen, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + Body, seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n"), InlineData("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")]
    public async Task Who_must_not_get_them_does_not(string request) =>
        Assert.StartsWith("HTTP/1.1 200 OK", await AskAsync("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\n" + Final, request), StringComparison.Ordinal);

    [Fact]
    public async Task What_looks_like_one_in_a_body_is_a_body()
    {
        const string Body = "HTTP/1.1 103 Early Hints\r\nX-Evil: 1\r\n\r\n";
        string seen = await AskAsync($"HTTP/1.1 200 OK\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        Assert.StartsWith("HTTP/1.1 200 OK", seen, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + Body, seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cut_anywhere_they_are_read_all_the_same()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\n" + Final);
        using var origin = new RawOrigin(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            foreach (byte one in bytes)
            {
                await wire.SendAsync(Encoding.ASCII.GetString([one]));
                await Task.Yield();
            }
        });
        await using Front front = await Front.StartAsync(origin.Address);
        string seen = await RawClient.ExchangeAsync(front.Address, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\nHTTP/1.1 200 OK", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_is_a_limit_to_their_number_and_size()
    {
        string many = await AskAsync(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\n", 20)) + Final);
        Assert.Equal(16, many.Split("103 Early Hints").Length - 1);
        string large = await AskAsync($"HTTP/1.1 103 Early Hints\r\nLink: <{new string('b', 17_000)}>\r\n\r\n" + Final);
        Assert.StartsWith("HTTP/1.1 200 OK", large, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_connection_serves_many_requests_with_and_without_them()
    {
        int asked = 0;
        using var origin = new RawOrigin(async (wire, _) =>
        {
            while (await wire.ReadHeadAsync() is { Length: > 0 }) await wire.SendAsync((Interlocked.Increment(ref asked) % 2 == 0 ? $"HTTP/1.1 103 Early Hints\r\nX-N: {asked}\r\n\r\n" : "") + Final);
        });
        await using Front front = await Front.StartAsync(origin.Address);
        for (int i = 1; i <= 10; i++)
        {
            string seen = await RawClient.ExchangeAsync(front.Address, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
            Assert.StartsWith(i % 2 == 0 ? $"HTTP/1.1 103 Early Hints\r\nX-N: {i}\r\n\r\nHTTP/1.1 200 OK" : "HTTP/1.1 200 OK", seen, StringComparison.Ordinal);
        }
    }
}
