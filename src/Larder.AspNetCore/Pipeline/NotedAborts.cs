using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>
/// Notes at once that the application gave up its own response: the server cancels <c>RequestAborted</c> only some time
/// later, and a response without an announced length would look whole till then. Where others read what arrives, the application does not hear of its own
/// client's leaving as long as one of them is there.
/// </summary>
/// <param name="features">The request's.</param>
/// <param name="isShared">Whether others may come to read what arrives.</param>
internal sealed class NotedAborts(IFeatureCollection features, bool isShared) : IHttpRequestLifetimeFeature, IHttpResetFeature
{
    private readonly IHttpRequestLifetimeFeature _lifetime = features.Get<IHttpRequestLifetimeFeature>() ?? new HttpRequestLifetimeFeature();
    private readonly IHttpResetFeature? _reset = features.Get<IHttpResetFeature>();
    private readonly CancellationTokenSource? _nobodyIsLeft = isShared ? new() : null;
    private CancellationToken _client;
    private CancellationToken? _set;
    private CancellationTokenRegistration _left;
    private volatile bool _aborted;
    private volatile SharedRecorder? _shared;
    private Action? _deserted;

    /// <summary>The application gave up, or nobody is there any more to whom its answer would go.</summary>
    public bool Aborted => _aborted || RequestAborted.IsCancellationRequested;

    /// <remarks>What the application sets in its place (a timeout) holds for it, and never for the server.</remarks>
    public CancellationToken RequestAborted
    {
        get => _set ?? _nobodyIsLeft?.Token ?? _lifetime.RequestAborted;
        set
        {
            if (_nobodyIsLeft is null) _lifetime.RequestAborted = value;
            else _set = value;
        }
    }

    /// <summary>Others may read this from now on.</summary>
    /// <param name="recorder">What they read.</param>
    /// <param name="deserted">Called when nobody is left who would: nobody else may come.</param>
    public void Share(SharedRecorder recorder, Action deserted)
    {
        _deserted = deserted;
        recorder.LastLeft = EndIfDeserted;
        _shared = recorder;
    }

    public void Abort()
    {
        _aborted = true;
        _lifetime.Abort();
    }

    public void Reset(int errorCode)
    {
        _aborted = true;
        _reset?.Reset(errorCode);
    }

    public void Install()
    {
        features.Set<IHttpRequestLifetimeFeature>(this);
        _client = _lifetime.RequestAborted;
        if (_nobodyIsLeft is not null) _left = _client.UnsafeRegister(static state => ((NotedAborts)state!).EndIfDeserted(), this);
        if (_reset is not null) features.Set<IHttpResetFeature>(this);
    }

    public void Remove()
    {
        features.Set(_lifetime);
        _left.Dispose();
        // The request ends: who reads on does so without it.
        if (_shared is { } shared) shared.LastLeft = null;
        if (_reset is not null) features.Set(_reset);
    }

    /// <summary>Called when the client leaves, and when the last reader does: whichever comes second ends it. Not on the thread of either.</summary>
    private void EndIfDeserted()
    {
        if (!_client.IsCancellationRequested || _shared?.TryDesert() == false) return;
        _deserted?.Invoke();
        _ = _nobodyIsLeft!.CancelAsync();
    }
}
