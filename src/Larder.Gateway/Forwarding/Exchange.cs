using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// The life of one forwarded request. Its token ends when the client leaves, when nothing moves for too long, or when
/// the exchange is over; the client's own token tells which. The window is the response timeout until headers have come
/// and the idle timeout from then on; every progress of either body opens it anew.
/// </summary>
internal sealed class Exchange
{
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenRegistration _clientLeaves;
    private readonly CancellationToken _client;
    private TimeSpan _window;
    private volatile bool _clientGivenUp;

    public Exchange(HttpContext context, TimeSpan responseTimeout, TimeProvider time)
    {
        _window = responseTimeout;
        _stop = new CancellationTokenSource(responseTimeout, time);
        _client = context.RequestAborted;
        _clientLeaves = _client.UnsafeRegister(static self => ((Exchange)self!).Stop(), this);
    }

    /// <summary>Ends everything that is done for this exchange.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Whether the client has gone.</summary>
    public bool ClientLeft => _clientGivenUp || _client.IsCancellationRequested;

    /// <summary>The client counts as gone, because it takes nothing; the origin is not to be blamed for the time.</summary>
    public void GiveUpClient() => _clientGivenUp = true;

    /// <summary>A part of a body has moved.</summary>
    public void Progress() => _stop.CancelAfter(_window);

    /// <summary>From now on the window is another one; <see cref="Timeout.InfiniteTimeSpan"/> for none.</summary>
    public void Window(TimeSpan window)
    {
        _window = window;
        Progress();
    }

    /// <summary>Ends the exchange. Cancelling, unlike disposing, leaves late callers unharmed and stops the timer too.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends the exchange and lets go of the client's token.</summary>
    public void End()
    {
        _clientLeaves.Dispose();
        _stop.Cancel();
    }
}
