using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Cli;

/// <summary>The built tool as a process before a real origin.</summary>
public sealed class ServeTests
{
    [Fact]
    public async Task Requests_pass_through_and_SIGTERM_ends_it_cleanly()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            context.Response.Headers["X-Seen"] = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}";
            context.Response.StatusCode = 201;
            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        (Child gateway, Uri address) = await Child.ServeAsync(origin.Address);
        using (gateway)
        {
            using var client = new HttpClient { BaseAddress = address };
            using HttpResponseMessage answer = await client.PostAsync("/jobs?a=b", new StringContent("body"));

            Assert.Equal((HttpStatusCode.Created, "body"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
            Assert.Equal("POST /jobs?a=b", answer.Headers.GetValues("X-Seen").Single());
            Assert.Equal(0, await gateway.TerminateAsync());
            Assert.Equal(
                $"larder listens on {address.OriginalString} and caches {origin.Address.OriginalString.TrimEnd('/')} (0 rules)\nlarder has stopped\n", gateway.Output);
            Assert.Equal("", gateway.Error);
        }
    }

    [Fact]
    public async Task A_redirect_of_the_origin_to_itself_leads_back_to_the_gateway()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = $"http://{context.Request.Host}/there?x#y";
            context.Response.Headers.ContentLocation = $"http://{context.Request.Host}/here";
            return Task.CompletedTask;
        });
        (Child gateway, Uri address) = await Child.ServeAsync(origin.Address);
        using (gateway)
        {
            using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
            using HttpResponseMessage answer = await client.GetAsync(new Uri(address, "/old"));

            Assert.Equal($"{address.OriginalString}/there?x#y", answer.Headers.Location?.OriginalString);
            Assert.Equal($"{address.OriginalString}/here", answer.Content.Headers.ContentLocation?.OriginalString);
        }
    }

    [Fact]
    public async Task A_request_in_progress_does_not_hold_up_the_end()
    {
        var asked = new TaskCompletionSource();
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(async context =>
        {
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        (Child gateway, Uri address) = await Child.ServeAsync(origin.Address);
        using (gateway)
        {
            using var client = new HttpClient();
            Task<HttpResponseMessage> waiting = client.GetAsync(address);
            await asked.Task;

            Assert.Equal(0, await gateway.TerminateAsync());
            await Assert.ThrowsAsync<HttpRequestException>(() => waiting);
        }
    }

    [Fact]
    public async Task A_taken_port_is_one_line_and_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var (code, output, error) = await Child.RunAsync(Child.Larder, "serve", "--origin", "http://127.0.0.1:9", "--urls", url);

        Assert.Equal((1, ""), (code, output));
        Assert.Matches(@"\Alarder: can't listen on [^\n]*address already in use[^\n]*\n\z", error);
    }

    [Fact]
    public async Task A_bad_flag_is_code_2()
    {
        var (code, output, error) = await Child.RunAsync(Child.Larder, "serve", "--orign", "http://127.0.0.1:9");

        Assert.Equal((2, ""), (code, output));
        Assert.Contains("'--orign'", error);
        Assert.EndsWith("larder: see 'larder serve --help'\n", error);
    }

    [Theory]
    [InlineData("larder.json", "{ \"keepStale\": -1,\n \"rules\": [ { \"path\": \"a\", \"tll\": 5 } ] }")]
    [InlineData("larder.yaml", "keepStale: -1\nrules: [ { path: a, tll: 5 } ]\n")]
    public async Task A_bad_configuration_is_code_2_with_all_messages(string name, string text)
    {
        string folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;
        try
        {
            string file = Path.Combine(folder, name);
            await File.WriteAllTextAsync(file, text);
            string[] expected =
            [
                $"{file}:1: keepStale: -1 is not allowed; a number of seconds from 0 to 31536000",
                $"{file}:2: rules[0].tll: there is no such member; did you mean 'ttl'?",
                $"{file}:2: rules[0].path: \"a\" is not allowed; a path template such as \"/jobs/{{id}}\": The path template 'a' is malformed: it must begin with '/'.",
            ];
            foreach (string[] call in (string[][])[["serve", "--origin", "http://127.0.0.1:9", "--config", file], ["config", "check", file]])
            {
                var (code, output, error) = await Child.RunAsync(Child.Larder, call);

                Assert.Equal((2, ""), (code, output));
                Assert.Equal(expected, error.TrimEnd().Split('\n'));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_sample_configuration_is_right()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Larder.slnx"))) folder = folder.Parent;

        var (code, output, error) = await Child.RunAsync(Child.Larder, "config", "check", Path.Combine(folder!.FullName, "samples", "larder.json"));

        Assert.Equal((0, "ok: 19 rules\n", ""), (code, output, error));
    }
}
