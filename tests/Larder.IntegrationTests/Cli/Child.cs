using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Larder.IntegrationTests.Cli;

/// <summary>A program of its own: the built <c>larder</c>, or somebody else's. It is ended by its own id.</summary>
internal sealed class Child : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const int Sighup = 1;
    private const int Sigterm = 15;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private Child(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Text(_output);

    public string Error => Text(_error);

    /// <summary>The tool, as it was built beside these tests.</summary>
    public static string Larder
    {
        get
        {
            var own = new DirectoryInfo(AppContext.BaseDirectory);
            string file = Path.Combine(own.Parent!.Parent!.FullName, "Larder.Cli", own.Name, OperatingSystem.IsWindows() ? "larder.exe" : "larder");
            Assert.True(File.Exists(file), $"{file} is missing: build the whole solution first");
            return file;
        }
    }

    public static Child Start(string file, params string[] args)
    {
        var start = new ProcessStartInfo(file, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        // The tool finds the runtime where these tests found it.
        if (Path.GetDirectoryName(Environment.ProcessPath) is { } dotnet && File.Exists(Path.Combine(dotnet, "dotnet"))) start.Environment.TryAdd("DOTNET_ROOT", dotnet);
        // Measured with its children, the coverage report keeps one process per assembly, and not this one.
        start.Environment["CORECLR_ENABLE_PROFILING"] = "0";
        try
        {
            return new Child(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"{file} can't be started ({e.Message}); test.sh installs what the tests need", e);
        }
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(string file, params string[] args)
    {
        using Child child = Start(file, args);
        return (await child.ExitAsync(), child.Output, child.Error);
    }

    /// <summary>Starts <c>larder serve</c> on a free port and waits until it is healthy.</summary>
    public static async Task<(Child Gateway, Uri Address)> ServeAsync(Uri origin, params string[] args)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        Child gateway = Start(Larder, ["serve", "--origin", origin.OriginalString, "--urls", address.OriginalString, .. args]);
        await gateway.AnswersAsync(new(address, "/healthz"));
        return (gateway, address);
    }

    /// <summary>Waits until the program has said something.</summary>
    public async Task SaysAsync(string text, TimeSpan patience)
    {
        for (long began = Stopwatch.GetTimestamp(); !Output.Contains(text, StringComparison.Ordinal); await Task.Delay(50))
        {
            Assert.False(_process.HasExited, $"{_process.StartInfo.FileName} has ended: {Output}{Error}");
            Assert.True(Stopwatch.GetElapsedTime(began) < patience, $"'{text}' was not said in time: {Output}{Error}");
        }
    }

    /// <summary>Waits until the URL is answered with success.</summary>
    public async Task AnswersAsync(Uri url)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Patience; await Task.Delay(50))
        {
            Assert.False(_process.HasExited, $"{_process.StartInfo.FileName} has ended: {Error}");
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(url);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
            }
        }
        Assert.Fail($"{url} was not answered in time: {Error}");
    }

    /// <summary>Asks it to end, as a service manager does, and waits for that.</summary>
    public Task<int> TerminateAsync()
    {
        Assert.Equal(0, Kill(_process.Id, Sigterm));
        return ExitAsync();
    }

    /// <summary>Asks it to read its configuration anew.</summary>
    public void HangUp() => Assert.Equal(0, Kill(_process.Id, Sighup));

    public async Task<int> ExitAsync()
    {
        using var timeout = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(timeout.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }

    private static string Text(StringBuilder text)
    {
        lock (text) return text.ToString();
    }
}
