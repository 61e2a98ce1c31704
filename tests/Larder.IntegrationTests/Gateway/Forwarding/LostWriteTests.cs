namespace Larder.IntegrationTests.Gateway.Forwarding;

/// <summary>Requests of which nobody knows whether the origin has seen them.</summary>
public sealed class LostWriteTests
{
    [Theory]
    [InlineData("DELETE"), InlineData("PUT")]
    public async Task A_write_whose_origin_dies_before_it_answers_ends_what_is_stored(string method)
    {
        RawOrigin? origin = null;
        using RawOrigin disposed = origin = new RawOrigin(async (wire, _) =>
        {
            while ((await wire.ReadHeadAsync()).StartsWith("GET ", StringComparison.Ordinal))
                await wire.SendAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok");
            // It has read the write, and nobody listens any more: to send it again is refused.
            origin!.Dispose();
        });
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(new() { Origin = origin.Address });
        Assert.Equal(200, (await gateway.GetAsync("/a")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/a")).Status);

        Assert.Equal(502, (await gateway.GetAsync("/a", method: method)).Status);

        Assert.Contains(gateway.Logs, line => line.Id == 4001 && line.Text.Contains("refused the connection", StringComparison.Ordinal));
        Assert.Equal(502, (await gateway.GetAsync("/a")).Status);
    }

    [Fact]
    public async Task A_write_that_could_not_be_sent_ends_nothing()
    {
        using var origin = new RawOrigin(async (wire, _) =>
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        });
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(new() { Origin = origin.Address });
        Assert.Equal(200, (await gateway.GetAsync("/a")).Status);
        origin.Dispose();

        Assert.Equal(502, (await gateway.GetAsync("/a", method: "DELETE")).Status);

        Assert.Equal(200, (await gateway.GetAsync("/a")).Status);
    }

    [Fact]
    public async Task A_request_without_a_body_expects_nothing_and_is_sent_once()
    {
        string head = "";
        using var origin = new RawOrigin(async (wire, _) => head = await wire.ReadHeadAsync());
        await using Front front = await Front.StartAsync(origin.Address);

        string seen = await RawClient.ExchangeAsync(front.Address, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");

        Assert.Contains("HTTP/1.1 502 ", seen, StringComparison.Ordinal);
        Assert.Equal(1, origin.Connections);
        Assert.DoesNotContain("Expect", head, StringComparison.OrdinalIgnoreCase);
    }
}
