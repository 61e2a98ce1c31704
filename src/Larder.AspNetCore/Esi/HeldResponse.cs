using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>
/// The response as those behind the layer see it. It starts by itself: the callbacks of those behind run when their headers are final, which is before the
/// layer's own headers are. Everything else is the server's.
/// </summary>
internal sealed class HeldResponse(IHttpResponseFeature outer) : IHttpResponseFeature
{
    private readonly Stack<(Func<object, Task> Callback, object State)> _onStarting = new();
    private bool _started;

    public int StatusCode
    {
        get => outer.StatusCode;
        set => outer.StatusCode = _started ? throw AlreadyStarted() : value;
    }

    public string? ReasonPhrase
    {
        get => outer.ReasonPhrase;
        set => outer.ReasonPhrase = _started ? throw AlreadyStarted() : value;
    }

    public Microsoft.AspNetCore.Http.IHeaderDictionary Headers
    {
        get => outer.Headers;
        set => outer.Headers = value;
    }

#pragma warning disable CS0618 // Part of the interface.
    public Stream Body
    {
        get => outer.Body;
        set => outer.Body = value;
    }
#pragma warning restore CS0618

    public bool HasStarted => _started || outer.HasStarted;

    public void OnStarting(Func<object, Task> callback, object state) => _onStarting.Push(_started ? throw AlreadyStarted() : (callback, state));

    public void OnCompleted(Func<object, Task> callback, object state) => outer.OnCompleted(callback, state);

    /// <summary>From here on the headers of those behind are final.</summary>
    public async Task StartAsync()
    {
        while (_onStarting.TryPop(out var starting)) await starting.Callback(starting.State);
        _started = true;
    }

    /// <summary>Those behind failed before they had started: whoever answers in their place runs the callbacks, as if there were no layer.</summary>
    public void HandOver()
    {
        foreach ((Func<object, Task> callback, object state) in _onStarting.Reverse()) outer.OnStarting(callback, state);
        _onStarting.Clear();
    }

    private static InvalidOperationException AlreadyStarted() => new("The response has already started.");
}
