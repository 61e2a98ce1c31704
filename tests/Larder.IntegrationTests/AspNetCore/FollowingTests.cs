using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Requests that read an answer while it arrives for another one.</summary>
public sealed class FollowingTests
{
    private const int Length = 300_000;

    /// <summary>An origin that sends a body of known length in two halves, the second when it is told to.</summary>
    private sealed class Halves : IAsyncDisposable
    {
        private readonly SemaphoreSlim _entered = new(0);
        private readonly TaskCompletionSource<bool> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously), _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Calls;

        public Site Site { get; private set; } = null!;

        public static async Task<Halves> StartAsync(string cacheControl = "max-age=60", string? vary = null, int length = Length)
        {
            var halves = new Halves();
            halves.Site = await Site.StartAsync(async context =>
            {
                if (Interlocked.Increment(ref halves.Calls) > 1)
                {
                    context.Response.Headers.CacheControl = cacheControl;
                    await context.Response.WriteAsync("again");
                    return;
                }
                halves._entered.Release();
                await halves._headers.Task;
                context.Response.Headers.CacheControl = cacheControl;
                if (vary is not null) context.Response.Headers.Vary = vary;
                context.Response.ContentLength = length;
                await context.Response.Body.WriteAsync(new byte[length / 2], context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                if (!await halves._rest.Task.WaitAsync(context.RequestAborted)) throw new IOException("The origin broke off.");
                await context.Response.Body.WriteAsync(new byte[length - length / 2], context.RequestAborted);
            });
            return halves;
        }

        /// <summary>One request asks the origin.</summary>
        public Task EnteredAsync() => _entered.WaitAsync();

        public void SendHeaders() => _headers.TrySetResult(true);

        public void SendRest() => _rest.TrySetResult(true);

        public void BreakOff() => _rest.TrySetResult(false);

        public async Task<HttpResponseMessage> BeginAsync(params (string, string)[] headers)
        {
            using HttpRequestMessage request = Site.Request("GET", "/", headers);
            return await Site.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }

        public async ValueTask DisposeAsync()
        {
            SendHeaders();
            SendRest();
            await Site.DisposeAsync();
        }
    }

    private static async Task ReadHalfAsync(HttpResponseMessage response)
    {
        Stream body = await response.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[Length / 2]);
    }

    [Fact]
    public async Task Those_who_wait_have_the_first_half_before_the_second_is_made()
    {
        await using Halves halves = await Halves.StartAsync();
        Task<HttpResponseMessage>[] all = [.. Enumerable.Range(0, 5).Select(_ => halves.BeginAsync())];
        await halves.EnteredAsync();
        halves.SendHeaders();
        HttpResponseMessage[] responses = await Task.WhenAll(all);
        foreach (HttpResponseMessage response in responses) await ReadHalfAsync(response);
        halves.SendRest();
        foreach (HttpResponseMessage response in responses) Assert.Equal(Length - Length / 2, ReadToEnd(await response.Content.ReadAsStreamAsync()).Length);
        Assert.Equal(1, halves.Calls);
        Assert.Single(responses, response => response.Headers.GetValues("X-Cache").Single() == "MISS");
        Assert.Equal(4, responses.Count(response => response.Headers.GetValues("X-Cache").Single() == "COALESCED"));
        (await halves.Site.GetAsync("/")).Is("HIT");
    }

    private static byte[] ReadToEnd(Stream stream)
    {
        var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    [Fact]
    public async Task Whoever_comes_while_it_arrives_reads_it_from_its_beginning()
    {
        await using Halves halves = await Halves.StartAsync();
        Task<HttpResponseMessage> first = halves.BeginAsync();
        await halves.EnteredAsync();
        halves.SendHeaders();
        await ReadHalfAsync(await first);
        HttpResponseMessage second = await halves.BeginAsync();
        await ReadHalfAsync(second);
        Assert.Equal("COALESCED", second.Headers.GetValues("X-Cache").Single());
        halves.SendRest();
    }

    [Fact]
    public async Task A_first_client_that_reads_nothing_holds_up_nobody()
    {
        await using Halves halves = await Halves.StartAsync();
        using RawClient slow = await RawClient.ConnectAsync(halves.Site.Address);
        await slow.Wire.SendAsync($"GET / HTTP/1.1\r\nHost: {halves.Site.Address.Authority}\r\n\r\n");
        await halves.EnteredAsync();
        Task<HttpResponseMessage> second = halves.BeginAsync();
        halves.SendHeaders();
        halves.SendRest();
        Assert.Equal(Length, (await (await second).Content.ReadAsByteArrayAsync()).Length);
    }

    [Fact]
    public async Task A_first_client_that_leaves_does_not_end_it_for_the_others()
    {
        await using Halves halves = await Halves.StartAsync();
        using RawClient leaving = await RawClient.ConnectAsync(halves.Site.Address);
        await leaving.Wire.SendAsync($"GET / HTTP/1.1\r\nHost: {halves.Site.Address.Authority}\r\n\r\n");
        await halves.EnteredAsync();
        halves.SendHeaders();
        HttpResponseMessage second = await halves.BeginAsync();
        await ReadHalfAsync(second);
        leaving.Reset();
        await Task.Delay(200);
        halves.SendRest();
        Assert.Equal(Length - Length / 2, ReadToEnd(await second.Content.ReadAsStreamAsync()).Length);
        Assert.Equal(1, halves.Calls);
        (await halves.Site.GetAsync("/")).Is("HIT");
    }

    [Fact]
    public async Task What_breaks_off_breaks_off_for_all_who_have_begun_and_is_not_stored()
    {
        await using Halves halves = await Halves.StartAsync();
        Task<HttpResponseMessage> first = halves.BeginAsync();
        await halves.EnteredAsync();
        halves.SendHeaders();
        await ReadHalfAsync(await first);
        HttpResponseMessage second = await halves.BeginAsync();
        await ReadHalfAsync(second);
        halves.BreakOff();
        await Assert.ThrowsAnyAsync<Exception>(() => second.Content.ReadAsByteArrayAsync());
        (await halves.Site.GetAsync("/")).Is("MISS", "again");
    }

    [Fact]
    public async Task Who_comes_after_an_invalidation_is_not_handed_what_was_asked_for_before_it()
    {
        await using Halves halves = await Halves.StartAsync();
        Task<HttpResponseMessage> first = halves.BeginAsync();
        await halves.EnteredAsync();
        halves.SendHeaders();
        await ReadHalfAsync(await first);
        await halves.Site.Cache.InvalidateAsync(Invalidation.All);
        Task<Answer> second = halves.Site.GetAsync("/");
        halves.SendRest();
        Assert.Equal("again", (await second).Body);
        (await halves.Site.GetAsync("/")).Is("HIT", "again");
    }

    [Theory]
    [InlineData("Accept-Language", "de", "max-age=60"), InlineData("Cookie", "a=b", "max-age=60"), InlineData("Authorization", "x", "max-age=60")]
    public async Task Who_would_be_answered_otherwise_asks_by_itself(string name, string value, string cacheControl)
    {
        await using Halves halves = await Halves.StartAsync(cacheControl, vary: "Accept-Language");
        Task<HttpResponseMessage> first = halves.BeginAsync();
        await halves.EnteredAsync();
        halves.SendHeaders();
        await ReadHalfAsync(await first);
        // Whether it waits for the end or not: what it gets is its own.
        Task<Answer> other = halves.Site.GetAsync("/", (name, value));
        halves.SendRest();
        Assert.Equal("again", (await other).Body);
    }

    [Fact]
    public async Task What_many_read_at_once_is_the_same_for_all()
    {
        var random = new Random(7);
        var body = new byte[1_000_000];
        random.NextBytes(body);
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.ContentLength = body.Length;
            for (int at = 0; at < body.Length; at += 777) await context.Response.Body.WriteAsync(body.AsMemory(at, Math.Min(777, body.Length - at)));
        });
        byte[][] read = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => site.Client.GetByteArrayAsync(new Uri(site.Address, "/"))));
        Assert.All(read, one => Assert.True(body.AsSpan().SequenceEqual(one)));
    }
}
