using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Cli;

/// <summary>Bodies stream through the gateway: a heap a fifth of their size is enough.</summary>
public sealed class MemoryTests
{
    private const long Length = 1L << 30;
    private const string HeapLimit = "DOTNET_GCHeapHardLimit=C800000"; // hexadecimal: 200 MiB

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_gibibyte_passes_through_a_bounded_heap(bool announced)
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            // Declared cacheable: without an announced length it is recorded until it is too large.
            context.Response.Headers.CacheControl = "max-age=60";
            if (announced) context.Response.ContentLength = Length;
            var chunk = new byte[1 << 20];
            for (long sent = 0; sent < Length; sent += chunk.Length) await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
        });
        var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
        using Child gateway = Child.Start("env", HeapLimit, Child.Larder, "serve", "--origin", origin.Address.OriginalString, "--urls", address.OriginalString);
        await gateway.AnswersAsync(new(address, "/healthz"));
        using var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };

        for (int round = 0; round < 2; round++)
        {
            using HttpResponseMessage answer = await client.GetAsync("/large", HttpCompletionOption.ResponseHeadersRead);
            Assert.Contains("fwd=", answer.Headers.GetValues("Cache-Status").Single(), StringComparison.Ordinal);
            Assert.Equal(Length, await LengthOfAsync(await answer.Content.ReadAsStreamAsync()));
        }
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    private static async Task<long> LengthOfAsync(Stream body)
    {
        var buffer = new byte[1 << 16];
        long length = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0; length += read)
        {
        }
        return length;
    }
}
