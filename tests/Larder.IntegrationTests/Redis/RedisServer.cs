using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A real <c>redis-server</c> on a free port of the loopback, with a folder of its own. It is ended by its own id.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const int Sigkill = 9, Sigterm = 15, Sigcont = 18, Sigstop = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("larder-redis-").FullName;
    private readonly RedisCertificates? _certificates;
    private readonly StringBuilder _log = new();
    private string[] _args;
    /// <summary>The path of a configuration file; null for none.</summary>
    private string? _file;
    private Process? _process;

    private RedisServer(RedisCertificates? certificates, string[] args)
    {
        _certificates = certificates;
        _args = args;
        Port = FreePort();
    }

    /// <summary>The same for as long as this object lives, across restarts.</summary>
    public int Port { get; }

    /// <summary>Where the data is, and whatever a test puts there.</summary>
    public string Folder => _folder;

    public RedisEndpoint Endpoint => new("127.0.0.1", Port);

    public int ProcessId => _process!.Id;

    /// <summary>What it has said so far.</summary>
    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>Starts one, and waits until it accepts connections.</summary>
    /// <param name="args">As on its command line: <c>--requirepass</c>, <c>secret</c>, …</param>
    public static Task<RedisServer> StartAsync(params string[] args) => StartAsync(null, args);

    /// <summary>Starts a sentinel: it keeps what it knows in its configuration file.</summary>
    public static async Task<RedisServer> StartSentinelAsync(string configuration)
    {
        var server = new RedisServer(null, ["--sentinel"]);
        try
        {
            server._file = Path.Combine(server._folder, "sentinel.conf");
            await File.WriteAllTextAsync(server._file, configuration);
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>With TLS on its port, if there are certificates.</summary>
    public static async Task<RedisServer> StartAsync(RedisCertificates? certificates, params string[] args)
    {
        for (int attempt = 1; ; attempt++)
        {
            var server = new RedisServer(certificates, args);
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (Exception) when (attempt < 3 && server.Log.Contains("Address already in use", StringComparison.Ordinal))
            {
                // Somebody else was given the port meanwhile.
                await server.DisposeAsync();
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>
    /// One that the system gives to nobody else by itself (those begin at 32768): it has to be free when the server starts again, and nobody
    /// who tries to connect meanwhile may be given it for his own end.
    /// </summary>
    internal static int FreePort()
    {
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, Random.Shared.Next(12_000, 32_000));
            try
            {
                probe.Start();
                return ((IPEndPoint)probe.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Taken: another one.
            }
        }
    }

    /// <summary>Options for it, with waits that a busy machine does not exceed.</summary>
    public RedisOptions Options(Action<RedisOptions>? change = null)
    {
        var options = new RedisOptions { Timeout = TimeSpan.FromSeconds(10), ConnectTimeout = TimeSpan.FromSeconds(10) };
        options.Endpoints.Add(Endpoint);
        change?.Invoke(options);
        return options;
    }

    /// <summary>Ends it in order: it writes its data, if it is told to save any.</summary>
    public Task StopAsync() => EndAsync(Sigterm);

    /// <summary>Ends it at once (kill -9).</summary>
    public Task KillAsync() => EndAsync(Sigkill);

    /// <summary>It keeps its connections, accepts new ones (the system does) and answers nothing.</summary>
    public void Pause() => Signal(Sigstop);

    public void Continue() => Signal(Sigcont);

    /// <summary>Starts it again where it was, after <see cref="StopAsync"/> or <see cref="KillAsync"/>.</summary>
    /// <param name="args">Other arguments than before; the same, where null.</param>
    public async Task StartAgainAsync(string[]? args = null)
    {
        _args = args ?? _args;
        string port = Port.ToString(CultureInfo.InvariantCulture);
        string[] listening = _certificates is null ? ["--port", port] : ["--port", "0", "--tls-port", port, .. _certificates.ServerArguments(_folder)];
        // Without a configuration file, and with no snapshots unless a test asks for them.
        string[] file = _file is null ? [] : [_file];
        var start = new ProcessStartInfo("redis-server", [.. file, .. listening, "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--daemonize", "no", .. _args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CORECLR_ENABLE_PROFILING"] = "0";
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"redis-server can't be started ({e.Message}); test.sh installs what the tests need", e);
        }
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        for (long began = Stopwatch.GetTimestamp(); !await AcceptsAsync(); await Task.Delay(10))
        {
            Assert.False(_process.HasExited, $"redis-server has ended: {Log}");
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"redis-server did not start in time: {Log}");
        }
    }

    /// <summary>Runs a command over a connection of its own; for what a test does behind the client's back.</summary>
    public async Task<RespValue> AskAsync(params RedisArgument[] command)
    {
        Stream stream = await Transport.ConnectAsync(Endpoint, _certificates?.Options(), CancellationToken.None);
        await using var connection = new RedisConnection(stream, new(), TimeProvider.System);
        RedisReply reply = await connection.SendAsync(command, Patience);
        Assert.Equal(RedisOutcome.Answered, reply.Outcome);
        return reply.Value;
    }

    private async Task<bool> AcceptsAsync()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task EndAsync(int signal)
    {
        if (_process is not { } process) return;
        Signal(signal);
        // One that stands still hears of its end when it goes on.
        if (signal != Sigkill) Signal(Sigcont);
        using var timeout = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(timeout.Token);
        process.Dispose();
        _process = null;
    }

    private void Signal(int signal)
    {
        if (_process is { HasExited: false } process) Assert.Equal(0, Kill(process.Id, signal));
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private void Append(string? line)
    {
        if (line is null) return;
        lock (_log) _log.Append(line).Append('\n');
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
