using System.Net;
using System.Net.Sockets;
using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Accepts connections and says what it is told to, whatever it is asked.</summary>
internal sealed class HostileServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Func<NetworkStream, CancellationToken, Task> _talk;
    private readonly Task _loop;
    private int _connections;

    public HostileServer(Func<NetworkStream, CancellationToken, Task> talk)
    {
        _talk = talk;
        _listener.Start();
        _loop = AcceptAsync();
    }

    public int Connections => Volatile.Read(ref _connections);

    public RedisEndpoint Endpoint => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>Answers each command by what a function makes of its words.</summary>
    public static HostileServer Answering(Func<string[], string> answer) => new(async (stream, token) =>
    {
        var reader = new RespReader(new());
        byte[] buffer = new byte[4096];
        for (int count; (count = await stream.ReadAsync(buffer, token)) > 0;)
        {
            var answers = new StringBuilder();
            Read(buffer.AsSpan(0, count));
            await stream.WriteAsync(Encoding.UTF8.GetBytes(answers.ToString()), token);

            void Read(ReadOnlySpan<byte> input)
            {
                while (reader.TryRead(ref input, out RespValue command)) answers.Append(answer([.. command.Items.ToArray().Select(word => word.Text!)]));
            }
        }
    });

    /// <summary>What a server without peculiarities says to a new connection.</summary>
    public static string Usual(string[] command) => command[0] switch
    {
        "HELLO" => "%1\r\n+proto\r\n:3\r\n",
        "INFO" => "$0\r\n\r\n",
        "TIME" => "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n",
        "PING" => "+PONG\r\n",
        _ => "+OK\r\n",
    };

    private async Task AcceptAsync()
    {
        var talks = new List<Task>();
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_ending.Token);
                Interlocked.Increment(ref _connections);
                talks.Add(TalkAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException || e is InvalidOperationException or SocketException && _ending.IsCancellationRequested)
        {
            // It was told to end, or its listener was stopped between two clients.
            await Task.WhenAll(talks);
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await _talk(client.GetStream(), _ending.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client has had enough, or the test.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _loop;
    }
}
