using System.Net;
using System.Net.Sockets;
using Larder.Cli;

namespace Larder.Tests.Cli;

/// <summary>The tool as it is called, without a process of its own.</summary>
public sealed class CommandLineTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_version_is_shown()
    {
        var (code, output, error) = await RunAsync("--version");

        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"^larder \d+\.\d+\.\d+\r?\n$", output);
    }

    [Theory]
    [InlineData("", "Usage:\n  larder [command] [options]", "larder config check larder.json")]
    [InlineData("serve", "larder serve [options]", "larder serve --origin http://127.0.0.1:8081")]
    [InlineData("purge", "larder purge [options]", "larder purge --redis redis://127.0.0.1:6379 --tag zone:71")]
    [InlineData("explain", "larder explain <URL> [options]", "larder explain http://shop.example.com/products/7 --method PUT --config larder.yaml")]
    [InlineData("config", "larder config [command] [options]", "larder config check larder.json")]
    [InlineData("config check", "larder config check <FILE> [options]", "larder config check larder.yaml")]
    public async Task Every_command_has_help_with_examples_and_exit_codes(string command, string usage, string example)
    {
        var (code, output, error) = await RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains(usage, output.ReplaceLineEndings("\n"));
        Assert.Contains("  " + example, output);
        Assert.Contains("Exit codes:", output);
    }

    [Theory]
    [InlineData("http://a.test/products/7?utm_source=x&b=1", "GET", "number 1, path /products/{id}", "300 s, whatever the origin says", "/products/7?b=1", "product:7")]
    [InlineData("http://a.test/products/7", "PUT", "number 2, path /products/{id}", "product:7")]
    [InlineData("http://a.test/other", "GET", "none: RFC 9111 and the answer's own headers decide")]
    [InlineData("http://a.test//products/7", "GET", "only rules that say never are asked")]
    public async Task The_rule_of_a_url_is_explained(string url, string method, params string[] says)
    {
        string file = Path.Combine(Path.GetTempPath(), $"larder-{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, """
            {"rules":[{"path":"/products/{id}","ttl":300,"overridesOrigin":true,"query":{"except":["utm_*"]},"tags":["product:{id}"]},
                      {"path":"/products/{id}","methods":["PUT"],"invalidates":["product:{id}"]}]}
            """, TestContext.Current.CancellationToken);
        try
        {
            var (code, output, error) = await RunAsync("explain", url, "--method", method, "--config", file);
            Assert.Equal((0, ""), (code, error));
            Assert.All(says, text => Assert.Contains(text, output, StringComparison.Ordinal));
            Assert.Equal(2, (await RunAsync("explain", "ftp://a", "--config", file)).Code);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("larder: see 'larder --help'")]
    [InlineData("larder: see 'larder --help'", "nonsense")]
    [InlineData("larder: see 'larder --help'", "@file")]
    [InlineData("larder: see 'larder config --help'", "config")]
    [InlineData("larder: see 'larder config check --help'", "config", "check")]
    [InlineData("larder: see 'larder serve --help'", "serve", "--orign", "http://a")]
    [InlineData("larder: see 'larder serve --help'", "serve", "--origin")]
    [InlineData("larder: see 'larder serve --help'", "serve", "--origin", "http://a", "--origin", "http://b")]
    public async Task A_wrong_call_is_a_few_lines_and_code_2(string last, params string[] args)
    {
        var (code, output, error) = await RunAsync(args);

        Assert.Equal((2, ""), (code, output));
        string[] lines = error.TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        Assert.InRange(lines.Length, 2, 4);
        Assert.All(lines, line => Assert.StartsWith("larder: ", line));
        Assert.Equal(last, lines[^1]);
    }

    [Theory]
    [InlineData("a.json", """{"rules":[]}""", "ok: 0 rules")]
    [InlineData("a.json", "\ufeff{\"rules\":[{\"path\":\"/a\"}]}", "ok: 1 rule")]
    [InlineData("a.YAML", "rules: [{path: /a}, {path: /b}]", "ok: 2 rules")]
    [InlineData("a.yml", "rules:\n- path: /a", "ok: 1 rule")]
    public async Task A_good_file_is_counted(string name, string text, string expected) =>
        Assert.Equal((0, expected, ""), await CheckAsync(name, text));

    [Theory]
    [InlineData("a.json", "{\"expiry\":1,\n\"keepStale\":-1}", ":1: expiry: there is no such member; origin, origins, urls, tls, memory, body, keepStale, cacheErrors, timeouts, retries, headers, forwarded, privateUserHeader, redis, rules, heuristics, compress, cacheControlTargets, tagHeaders, positionHeader, purge, esi, presets", ":2: keepStale: -1 is not allowed; a number of seconds from 0 to 31536000")]
    [InlineData("a.txt", "{}", ": its name must end with .json, .yaml or .yml, to tell how it is written")]
    [InlineData("a.json", "not UTF-8", ": it can't be read: it is not UTF-8")]
    public async Task A_bad_file_is_every_mistake_and_code_2(string name, string text, params string[] messages)
    {
        string path = Path.Combine(_folder, name);
        await File.WriteAllBytesAsync(path, text == "not UTF-8" ? [0xff] : System.Text.Encoding.UTF8.GetBytes(text));

        var (code, output, error) = await RunAsync("config", "check", path);

        Assert.Equal((2, ""), (code, output));
        Assert.Equal(messages.Select(m => path + m), error.TrimEnd().Split('\n', StringSplitOptions.TrimEntries));
    }

    [Fact]
    public async Task A_file_that_is_missing_too_large_or_a_folder()
    {
        string missing = Path.Combine(_folder, "missing.json"), large = Path.Combine(_folder, "large.json");
        await File.WriteAllTextAsync(large, new string(' ', (1 << 20) + 1));

        Assert.Equal((2, "", $"{missing}: it can't be read: there is no such file"), Trimmed(await RunAsync("config", "check", missing)));
        Assert.Equal((2, "", $"{large}: it can't be read: it is larger than 1 MB"), Trimmed(await RunAsync("config", "check", large)));
        Assert.Equal(2, (await RunAsync("config", "check", _folder)).Code);
    }

    [Fact]
    public async Task Serve_needs_an_origin_and_tells_all_that_is_wrong()
    {
        string path = Path.Combine(_folder, "bad.json");
        await File.WriteAllTextAsync(path, """{"keepStale":-1}""");

        Assert.Equal((2, "", "larder: no origin is given; say --origin http://host:port, or \"origin\" in the configuration"), Trimmed(await RunAsync("serve")));
        var (code, _, error) = await RunAsync("serve", "--origin", "ftp://a", "--urls", "b", "--config", path);
        Assert.Equal(2, code);
        Assert.Equal(3, error.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public async Task Serve_listens_says_so_and_stops_when_it_is_told()
    {
        string path = Path.Combine(_folder, "good.yaml");
        await File.WriteAllTextAsync(path, "origin: http://127.0.0.1:9\nrules: [{path: /a, ttl: 5}]");
        using var stop = new CancellationTokenSource();
        var output = new FirstLine();
        Task<int> running = CommandLine.RunAsync(["serve", "--config", path, "--urls", "http://127.0.0.1:0"], output, TextWriter.Null, stop.Token);

        string line = await output.Line.WaitAsync(Patience);
        Assert.Matches(@"^larder listens on http://127\.0\.0\.1:\d+ and caches http://127\.0\.0\.1:9 \(1 rule\)$", line);
        using var client = new HttpClient();
        Assert.Equal("ok", await client.GetStringAsync(line.Split(' ')[3] + "/healthz"));
        await stop.CancelAsync();

        Assert.Equal(0, await running.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_taken_port_is_one_line_and_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var (code, output, error) = Trimmed(await RunAsync("serve", "--origin", "http://127.0.0.1:9", "--urls", url));

        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith($"larder: can't listen on {url}: ", error);
        Assert.DoesNotContain('\n', error);
    }

    private async Task<(int Code, string Output, string Error)> CheckAsync(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(path, text);
        return Trimmed(await RunAsync("config", "check", path));
    }

    private static (int Code, string Output, string Error) Trimmed((int Code, string Output, string Error) result) =>
        (result.Code, result.Output.TrimEnd(), result.Error.TrimEnd());

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await CommandLine.RunAsync(args, output, error).WaitAsync(Patience);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Hands over the first line that is written.</summary>
    private sealed class FirstLine : StringWriter
    {
        private readonly TaskCompletionSource<string> _line = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Line => _line.Task;

        public override Task WriteLineAsync(string? value)
        {
            _line.TrySetResult(value ?? "");
            return Task.CompletedTask;
        }
    }
}
