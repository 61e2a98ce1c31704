namespace Larder.IntegrationTests.Cli;

/// <summary>Somebody else's origin before somebody else's client, with the gateway between.</summary>
public sealed class ThirdPartyTests
{
    [Fact]
    public async Task Curl_reads_what_Pythons_server_serves()
    {
        string folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "hello.txt"), "hello from a file\n");
            Directory.CreateDirectory(Path.Combine(folder, "sub"));
            var address = new Uri($"http://127.0.0.1:{Child.FreePort()}");
            using Child origin = Child.Start("python3", "-m", "http.server", $"{address.Port}", "--bind", "127.0.0.1", "--directory", folder);
            await origin.AnswersAsync(address);
            (Child gateway, Uri front) = await Child.ServeAsync(address);
            using (gateway)
            {
                Assert.Equal("hello from a file\n", await CurlAsync("-f", $"{front}hello.txt"));
                string get = await CurlAsync("-i", $"{front}hello.txt");
                Assert.StartsWith("HTTP/1.1 200 OK\n", get);
                Assert.Contains("Content-Type: text/plain\n", get);
                Assert.EndsWith("\n\nhello from a file\n", get);
                string head = await CurlAsync("-I", $"{front}hello.txt");
                Assert.StartsWith("HTTP/1.1 200 OK\n", head);
                Assert.Contains("Content-Length: 18\n", head);
                Assert.StartsWith("HTTP/1.1 404 ", await CurlAsync("-i", $"{front}nothing"));
                Assert.Contains("Location: /sub/\n", await CurlAsync("-i", $"{front}sub"));
                Assert.Equal(0, await gateway.TerminateAsync());
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> CurlAsync(params string[] args)
    {
        var (code, output, error) = await Child.RunAsync("curl", ["--silent", "--show-error", "--noproxy", "*", "--max-time", "20", .. args]);
        Assert.True(code == 0, $"curl ended with {code}: {error}");
        return output;
    }
}
