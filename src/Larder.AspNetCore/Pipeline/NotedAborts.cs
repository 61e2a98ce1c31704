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
    private CancellationTokenRegistration _left;
    private volatile bool _aborted;
    private volatile SharedRecorder? _shared;

    /// <summary>The application gave up, or nobody is there any more to whom its answer would go.</summary>
    public bool Aborted => _aborted || RequestAborted.IsCancellationRequested;

    public CancellationToken RequestAborted
    {
        get => _nobodyIsLeft?.Token ?? _lifetime.RequestAborted;
        set => _lifetime.RequestAborted = value;
    }

    /// <summary>Others may read this from now on.</summary>
    public void Share(SharedRecorder recorder)
    {
        _shared = recorder;
        recorder.Deserted = EndIfDeserted;
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
        if (_nobodyIsLeft is not null) _left = _lifetime.RequestAborted.UnsafeRegister(static state => ((NotedAborts)state!).EndIfDeserted(), this);
        if (_reset is not null) features.Set<IHttpResetFeature>(this);
    }

    public void Remove()
    {
        features.Set(_lifetime);
        _left.Dispose();
        if (_reset is not null) features.Set(_reset);
    }

    /// <summary>Called when the client leaves, and when the last reader does: whichever comes second ends it.</summary>
    private void EndIfDeserted()
    {
        if (_lifetime.RequestAborted.IsCancellationRequested && _shared?.HasReaders != true) _nobodyIsLeft!.Cancel();
    }
}
