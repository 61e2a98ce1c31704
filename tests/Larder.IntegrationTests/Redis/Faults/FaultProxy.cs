using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>What becomes of the bytes of one direction. Bytes are counted for each connection from when this was set.</summary>
internal sealed record Flow
{
    public static readonly Flow Free = new();

    /// <summary>They are taken and go nowhere, until another flow is set: then they go on.</summary>
    public bool Hangs { get; init; }

    /// <summary>How much later each piece arrives.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>0 for any number.</summary>
    public int BytesPerSecond { get; init; }

    /// <summary>So many pass, then the connection is reset.</summary>
    public long? CutAfter { get; init; }

    /// <summary>All bits of this one are turned.</summary>
    public long? CorruptAt { get; init; }

    /// <summary>What comes instead of each piece.</summary>
    public byte[]? Says { get; init; }

    /// <summary>By how much the answers to <c>TIME</c> are wrong.</summary>
    public TimeSpan Skew { get; init; }
}

/// <summary>What becomes of connections of one kind.</summary>
/// <param name="Refuses">They are reset, those that live and new ones.</param>
internal sealed record Fault(Flow ToServer, Flow ToClient, bool Refuses = false)
{
    public static readonly Fault None = new(Flow.Free, Flow.Free);
    public static readonly Fault Hang = new(new() { Hangs = true }, new() { Hangs = true });
    public static readonly Fault Reset = new(Flow.Free, Flow.Free, Refuses: true);

    /// <summary>The same in both directions.</summary>
    public static Fault Of(Flow flow) => new(flow, flow);
}

/// <summary>Stands in front of a server on the loopback and does to its connections what networks do. Faults are set while it runs.</summary>
/// <remarks>
/// Invariants.
/// 1. A connection is the log's from its first <c>XREAD</c> on, and the commands' from the first word that only those say. Until it is known which, it suffers
///    only what both suffer.
/// 2. A fault is one object: a piece of bytes sees one fault in whole.
/// 3. Nothing outlives <see cref="DisposeAsync"/>.
/// </remarks>
internal sealed partial class FaultProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<Way, Task> _ways = new();
    private readonly Task _loop;
    private (Fault Commands, Fault Log) _faults = (Fault.None, Fault.None);
    private readonly Lock _gate = new();
    private int _skewed;
    /// <summary>Under the gate.</summary>
    private (long Groups, long Keys) _read;
    private int _age;

    public FaultProxy(int target)
    {
        _target = target;
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    /// <summary>How many answers to <c>TIME</c> were changed.</summary>
    public int Skewed => Volatile.Read(ref _skewed);

    /// <summary>Up to which ordinals whoever connects here has read, and applied, the log's two streams: he has asked for what comes after them. Counted anew from <see cref="Forget"/> on.</summary>
    public (long Groups, long Keys) Read
    {
        get
        {
            lock (_gate) return _read;
        }
    }

    /// <summary>Forgets what was read; connections that are there say nothing of it any more.</summary>
    public void Forget()
    {
        lock (_gate) (_read, _age) = (default, _age + 1);
    }

    public RedisEndpoint Endpoint => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    /// <summary>What both kinds of connections suffer from now on.</summary>
    public void Set(Fault fault) => Set(fault, fault);

    /// <summary>What the connections of commands and those of the log suffer from now on.</summary>
    public void Set(Fault commands, Fault log)
    {
        lock (_gate) _faults = (commands, log);
        foreach (Way way in _ways.Keys)
            if (FaultOf(way).Refuses) way.Reset();
    }

    /// <summary>Resets those that live; new ones are not harmed.</summary>
    public void ResetAll()
    {
        foreach (Way way in _ways.Keys) way.Reset();
    }

    private Fault FaultOf(Way way)
    {
        (Fault commands, Fault log) = Faults();
        return way.IsLog switch { true => log, false => commands, null => ReferenceEquals(commands, log) ? commands : Fault.None };
    }

    private (Fault Commands, Fault Log) Faults()
    {
        lock (_gate) return _faults;
    }

    private int Age()
    {
        lock (_gate) return _age;
    }

    private void NoteRead(int age, long groups, long keys)
    {
        lock (_gate)
            if (age == _age) _read = (Math.Max(_read.Groups, groups), Math.Max(_read.Keys, keys));
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var way = new Way(await _listener.AcceptSocketAsync(_ending.Token), this);
                _ways[way] = Task.CompletedTask;
                _ways[way] = Task.Run(() => RunAsync(way));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It ends.
        }
    }

    private async Task RunAsync(Way way)
    {
        try
        {
            if (!FaultOf(way).Refuses) await way.RunAsync(_target, _ending.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Either end is gone.
        }
        way.Reset();
        _ways.TryRemove(way, out _);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _loop;
        foreach (Way way in _ways.Keys) way.Reset();
        await Task.WhenAll(_ways.Values);
        _ending.Dispose();
    }

    /// <summary>One connection and its other half.</summary>
    private sealed partial class Way(Socket client, FaultProxy proxy)
    {
        /// <summary>So many bytes of what was said before are looked at once more: a word may be cut.</summary>
        private const int Overlap = 64;
        private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

        private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly int _age = proxy.Age();
        private string _said = "";

        public bool? IsLog { get; private set; }

        public async Task RunAsync(int target, CancellationToken cancellationToken)
        {
            client.NoDelay = true;
            await _server.ConnectAsync(IPAddress.Loopback, target, cancellationToken);
            Task there = PumpAsync(client, _server, isToServer: true, cancellationToken), back = PumpAsync(_server, client, isToServer: false, cancellationToken);
            await await Task.WhenAny(there, back);
            Reset();
            await Task.WhenAll(there, back);
        }

        public void Reset()
        {
            foreach (Socket socket in (Socket[])[client, _server])
            {
                try
                {
                    socket.LingerState = new(true, 0);
                    socket.Close();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Closed already.
                }
            }
        }

        private Flow Current(bool isToServer)
        {
            Fault fault = proxy.FaultOf(this);
            if (fault.Refuses) throw new OperationCanceledException();
            return isToServer ? fault.ToServer : fault.ToClient;
        }

        private async Task PumpAsync(Socket from, Socket to, bool isToServer, CancellationToken cancellationToken)
        {
            byte[] buffer = new byte[64 << 10];
            (Flow Of, long Passed) counted = (Flow.Free, 0);
            string held = "";
            while (await from.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
            {
                byte[] piece = buffer[..count];
                if (isToServer && IsLog is null) Recognise(piece);
                if (isToServer && IsLog == true && AsksAfter().Match(Encoding.Latin1.GetString(piece)) is { Success: true } after)
                    proxy.NoteRead(_age, long.Parse(after.Groups[1].Value, CultureInfo.InvariantCulture), long.Parse(after.Groups[2].Value, CultureInfo.InvariantCulture));
                Flow flow = Current(isToServer);
                if (!ReferenceEquals(flow, counted.Of)) counted = (flow, 0);
                if (flow.Latency > TimeSpan.Zero) await Task.Delay(flow.Latency, cancellationToken);
                while (Current(isToServer).Hangs) await Task.Delay(Glance, cancellationToken);
                if (flow.BytesPerSecond > 0) await Task.Delay(TimeSpan.FromSeconds((double)count / flow.BytesPerSecond), cancellationToken);
                if (flow.Says is { } said) piece = said;
                if (flow.CorruptAt is { } at && at >= counted.Passed && at < counted.Passed + piece.Length) piece[at - counted.Passed] ^= 0xFF;
                bool isCut = flow.CutAfter is { } most && counted.Passed + piece.Length > most;
                if (isCut) piece = piece[..(int)(flow.CutAfter!.Value - counted.Passed)];
                counted.Passed += piece.Length;
                if (!isToServer && (flow.Skew != TimeSpan.Zero || held.Length > 0)) (piece, held) = Skew(held + Encoding.Latin1.GetString(piece), flow.Skew);
                for (int sent = 0; sent < piece.Length;) sent += await to.SendAsync(piece.AsMemory(sent), cancellationToken);
                if (isCut) return;
            }
        }

        private void Recognise(byte[] piece)
        {
            _said += Encoding.Latin1.GetString(piece);
            if (_said.Contains("\r\nXREAD\r\n", StringComparison.Ordinal)) IsLog = true;
            else if (CommandsOnly().IsMatch(_said)) IsLog = false;
            _said = _said[^Math.Min(_said.Length, Overlap)..];
        }

        /// <summary>Puts another time into answers to <c>TIME</c>, and keeps back what may be the beginning of one.</summary>
        private (byte[] Piece, string Held) Skew(string text, TimeSpan by)
        {
            int whole = text.Length;
            if (BeginsTime().Match(text) is { Success: true } begun) whole = begun.Index;
            string piece = TimeAnswer().Replace(text[..whole], answer =>
            {
                Interlocked.Increment(ref proxy._skewed);
                return $"*2\r\n$10\r\n{long.Parse(answer.Groups[1].Value, CultureInfo.InvariantCulture) + (long)by.TotalSeconds}\r\n{answer.Groups[2].Value}";
            });
            return (Encoding.Latin1.GetBytes(piece), text[whole..]);
        }

        [GeneratedRegex(@"\r\n(GET|SET|UNLINK)\r\n|\r\n(kind|larder:e:)")]
        private static partial Regex CommandsOnly();

        [GeneratedRegex(@":groups\r\n\$\d+\r\n\S+:keys\r\n\$\d+\r\n(\d+)-0\r\n\$\d+\r\n(\d+)-0\r\n")]
        private static partial Regex AsksAfter();

        [GeneratedRegex(@"\*2\r\n\$10\r\n(\d{10})\r\n(\$\d\r\n\d{1,6}\r\n)")]
        private static partial Regex TimeAnswer();

        [GeneratedRegex(@"\*2\r\n(\$10\r\n(\d{10}\r\n(\$\d\r\n(\d{0,6})?)?)?)?\z")]
        private static partial Regex BeginsTime();
    }
}
