using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using Larder.IntegrationTests.Cli;

namespace Larder.IntegrationTests.Samples;

/// <summary>The samples as a user starts them, and run.sh as a whole.</summary>
public sealed class SampleTests
{
    private const string Note = "/zones/Europe.Berlin/note";

    [Fact]
    public async Task Run_sh_serves_a_miss_then_a_hit_then_the_effect_of_a_write_and_stops_cleanly()
    {
        (int port, int originPort) = (Child.FreePort(), Child.FreePort());
        using Child run = Child.Start("env", $"PORT={port}", $"ORIGIN_PORT={originPort}", "bash", Path.Combine(Root, "run.sh"));
        using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        // Only then do both of them answer; the gateway alone may be there before its origin.
        await run.SaysAsync("Ctrl-C stops both.", TimeSpan.FromMinutes(5));

        await MissHitWriteMissAsync(client);
        Assert.Equal(3, run.Output.Split("curl -i").Length - 1);
        await run.TerminateAsync();
        Assert.Contains("Stopped.", run.Output, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri($"http://127.0.0.1:{originPort}/health")));
    }

    [Fact]
    public async Task Two_nodes_share_a_Redis_and_the_effect_of_a_write()
    {
        using Child run = Child.Start("bash", Path.Combine(Root, "samples", "two-nodes.sh"));
        await run.SaysAsync("Stopped.", TimeSpan.FromMinutes(8));
        Assert.Equal((0, ""), (await run.ExitAsync(), run.Error));
        string[] order = ["A asks the API", "detail=miss-cold", "B has it from Redis", "detail=hit-redis", "B asks the API again", "Coffee at nine", "Stopped."];
        int at = 0;
        foreach (string said in order)
        {
            int next = run.Output.IndexOf(said, at, StringComparison.Ordinal);
            Assert.True(next >= 0, $"'{said}' is not there, or not in its place: {run.Output}");
            at = next + said.Length;
        }
    }

    [Fact]
    public async Task The_same_rules_work_in_process()
    {
        using Child sample = StartSample("Larder.Samples.InProcess", out Uri address);
        await sample.AnswersAsync(new(address, "/health"));
        using var client = new HttpClient { BaseAddress = address };

        await MissHitWriteMissAsync(client);
        Assert.Equal(["miss-cold", "hit"], await TwiceAsync(client, "/actions/region.list"));
        Assert.Equal(["miss-cold", "hit"], await TwiceAsync(client, "/api/analytics/scripts"));
        await client.PostAsJsonAsync("/actions/region.update", new { code = "DE", alias = "Germany!" });
        Assert.StartsWith("miss-invalidated", await StatusAsync(client, "/actions/region.list"), StringComparison.Ordinal);
        Assert.StartsWith("bypass-user", await StatusAsync(client, "/jobs"), StringComparison.Ordinal);
        Assert.Equal(["miss-cold", "hit"], await TwiceAsync(client, "/jobs", "alice"));
        Assert.Equal("miss-cold", await StatusAsync(client, "/jobs", "bob"));
    }

    [Fact]
    public async Task The_first_program_of_the_README_caches()
    {
        using Child sample = StartSample("Larder.Samples.Quickstart", out Uri address);
        await sample.AnswersAsync(new(address, "/time/UTC"));
        using var client = new HttpClient { BaseAddress = address };
        string first = await client.GetStringAsync("/time/UTC");
        Assert.Equal(first, await client.GetStringAsync("/time/UTC"));
        Assert.Equal("hit", await StatusAsync(client, "/time/UTC"));
    }

    private static async Task MissHitWriteMissAsync(HttpClient client)
    {
        Assert.Equal(["miss-cold", "hit"], await TwiceAsync(client, Note));
        using HttpResponseMessage written = await client.PutAsJsonAsync(Note, new { text = "Coffee at nine" });
        Assert.True(written.IsSuccessStatusCode);
        using HttpResponseMessage read = await client.GetAsync(Note);
        Assert.Equal("miss-invalidated", Status(read));
        Assert.Contains("Coffee at nine", await read.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("hit", await StatusAsync(client, Note));
    }

    private static async Task<string[]> TwiceAsync(HttpClient client, string path, string? user = null) =>
        [await StatusAsync(client, path, user), await StatusAsync(client, path, user)];

    private static async Task<string> StatusAsync(HttpClient client, string path, string? user = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (user is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", user);
        using HttpResponseMessage response = await client.SendAsync(request);
        return Status(response);
    }

    /// <summary><c>hit</c>, or the detail of what was not one.</summary>
    private static string Status(HttpResponseMessage response)
    {
        string status = response.Headers.GetValues("Cache-Status").Single();
        return status.StartsWith("larder; hit;", StringComparison.Ordinal) ? "hit" : status.Split("detail=")[1].Trim('"').Split(',')[0];
    }

    private static Child StartSample(string name, out Uri address)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        string dll = Path.Combine(own.Parent!.Parent!.FullName, name, own.Name, $"{name}.dll");
        Assert.True(File.Exists(dll), $"{dll} is missing: build the whole solution first");
        address = new($"http://127.0.0.1:{Child.FreePort()}");
        return Child.Start("dotnet", dll, "--urls", address.OriginalString);
    }

    internal static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", ".."));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
