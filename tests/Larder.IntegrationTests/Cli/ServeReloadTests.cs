using System.Net;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Cli;

/// <summary>The built tool whose configuration changes while it runs, and what it learns from the environment.</summary>
public sealed class ServeReloadTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;

    private string File => Path.Combine(_folder, "larder.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_change_of_the_file_holds_and_a_mistake_leaves_the_last_good_one()
    {
        await using KestrelOrigin a = await NamedAsync("a"), b = await NamedAsync("b");
        Write($"origin: {a.Address}");
        var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
        using Child gateway = Child.Start(Child.Larder, "serve", "--config", File, "--urls", address.OriginalString);
        await gateway.AnswersAsync(new(address, "/healthz"));
        using var client = new HttpClient { BaseAddress = address };
        Assert.Equal("a", await client.GetStringAsync("/"));

        Write($"origin: {b.Address}\nretires: 2\nrules: [{{path: a}}]");
        await gateway.SaysAsync("path: \"a\" is not allowed", Patience);
        Assert.Contains("retires: there is no such member; did you mean 'retries'?", gateway.Output, StringComparison.Ordinal);
        Assert.Equal("a", await client.GetStringAsync("/"));

        Write($"origin: {b.Address}\nmemory: {{entries: 5}}");
        await gateway.SaysAsync("These need a restart to change: memory", Patience);
        Assert.Equal("b", await client.GetStringAsync("/"));
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    [Fact]
    public async Task SIGHUP_reads_the_file_anew()
    {
        await using KestrelOrigin a = await NamedAsync("a");
        Write($"origin: {a.Address}");
        var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
        using Child gateway = Child.Start(Child.Larder, "serve", "--config", File, "--urls", address.OriginalString);
        await gateway.AnswersAsync(new(address, "/healthz"));

        gateway.HangUp();

        await gateway.SaysAsync("The configuration has been read anew", Patience);
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    [Fact]
    public async Task The_environment_is_enough()
    {
        await using KestrelOrigin a = await NamedAsync("a"), b = await NamedAsync("b");
        var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
        Write($"origins: [{{url: '{b.Address}', path: /b}}]");
        using Child gateway = Child.Start("env", $"LARDER_ORIGIN={a.Address}", $"LARDER_URLS={address.OriginalString}", $"LARDER_CONFIG={File}", Child.Larder, "serve");
        await gateway.AnswersAsync(new(address, "/healthz"));
        using var client = new HttpClient { BaseAddress = address };

        Assert.Equal(("a", "b"), (await client.GetStringAsync("/"), await client.GetStringAsync("/b")));
        using HttpResponseMessage trick = await client.SendAsync(new(HttpMethod.Get, new Uri(address.OriginalString + "//b", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })));
        Assert.Equal(HttpStatusCode.BadRequest, trick.StatusCode);
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    [Fact]
    public async Task A_certificate_that_can_not_be_used_is_told_with_everything_else()
    {
        Write("origin: http://127.0.0.1:9\nurls: https://127.0.0.1:0\ntls: {certificate: absent.pem}\nretries: 9");

        var (code, output, error) = await Child.RunAsync(Child.Larder, "config", "check", File);

        Assert.Equal((2, ""), (code, output));
        Assert.Equal([$"{File}:3: tls: {Path.Combine(_folder, "absent.pem")} can't be read: there is no such file", $"{File}:4: retries: 9 is not allowed; a whole number from 0 to 3"], error.TrimEnd().Split('\n'));
    }

    /// <summary>As editors do it: the file is never half there.</summary>
    private void Write(string text)
    {
        System.IO.File.WriteAllText(File + ".new", text);
        System.IO.File.Move(File + ".new", File, overwrite: true);
    }

    private static Task<KestrelOrigin> NamedAsync(string name) => KestrelOrigin.StartAsync(context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(name);
    });
}
