using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>
/// Notes at once that the application gave up its own response: the server cancels <c>RequestAborted</c> only some time
/// later, and a response without an announced length would look whole till then.
/// </summary>
internal sealed class NotedAborts(IFeatureCollection features) : IHttpRequestLifetimeFeature, IHttpResetFeature
{
    private readonly IHttpRequestLifetimeFeature _lifetime = features.Get<IHttpRequestLifetimeFeature>() ?? new HttpRequestLifetimeFeature();
    private readonly IHttpResetFeature? _reset = features.Get<IHttpResetFeature>();
    private volatile bool _aborted;

    public bool Aborted => _aborted || _lifetime.RequestAborted.IsCancellationRequested;

    public CancellationToken RequestAborted
    {
        get => _lifetime.RequestAborted;
        set => _lifetime.RequestAborted = value;
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
        if (_reset is not null) features.Set<IHttpResetFeature>(this);
    }

    public void Remove()
    {
        features.Set(_lifetime);
        if (_reset is not null) features.Set(_reset);
    }
}
