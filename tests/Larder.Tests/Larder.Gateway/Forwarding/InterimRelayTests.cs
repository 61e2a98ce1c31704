using System.IO.Pipelines;
using Larder.Gateway.Forwarding;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class InterimRelayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ManualTimeProvider _time = new();
    private readonly Client _client = new();
    private readonly Exchange _exchange;
    private readonly InterimRelay _relay;

    public InterimRelayTests()
    {
        var context = new DefaultHttpContext { Request = { Method = "GET", Protocol = "HTTP/1.1" } };
        context.Features.Set<IConnectionTransportFeature>(_client);
        context.Features.Set<IHttpRequestLifetimeFeature>(_client);
        _exchange = new(context, Patience, _time);
        _relay = InterimRelay.For(context, _exchange)!;
    }

    private Task TellAsync() => _relay.TellAsync(103, "Early Hints", [new("Link", "<a>")]).AsTask();

    [Fact]
    public async Task A_client_that_takes_nothing_is_cut_off_when_the_exchange_has_taken_too_long()
    {
        Task told = TellAsync(), closed = _relay.CloseAsync().AsTask();
        Assert.False(told.IsCompleted || closed.IsCompleted || _exchange.ClientLeft);

        _time.Advance(Patience);

        await told;
        await closed;
        Assert.True(_client.IsAborted && _exchange.ClientLeft);
    }

    [Fact]
    public async Task A_connection_that_is_gone_is_no_error_of_the_origin()
    {
        await _client.Pipe.Writer.CompleteAsync();
        await TellAsync();
        await TellAsync();
        await _relay.CloseAsync();
        Assert.False(_client.IsAborted || _exchange.ClientLeft);
    }

    [Fact]
    public async Task Once_the_exchange_is_over_nothing_is_written()
    {
        _exchange.Stop();
        await TellAsync();
        Assert.False(_client.Pipe.Reader.TryRead(out _) || _client.IsAborted);
    }

    /// <summary>A client that reads nothing, with room for one byte.</summary>
    private sealed class Client : IConnectionTransportFeature, IHttpRequestLifetimeFeature, IDuplexPipe
    {
        public Pipe Pipe { get; } = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));

        public bool IsAborted { get; private set; }

        public IDuplexPipe Transport { get => this; set => throw new NotSupportedException(); }

        public PipeReader Input => throw new NotSupportedException();

        public PipeWriter Output => Pipe.Writer;

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsAborted = true;
    }
}
