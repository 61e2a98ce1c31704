using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>Of a fragment that is asked for: it ends with its page, and whoever gives up its own response has only that aborted.</summary>
internal sealed class FragmentLifetime : IHttpRequestLifetimeFeature, IDisposable
{
    private readonly CancellationTokenSource _end;
    private bool _over;

    public FragmentLifetime(CancellationToken page)
    {
        _end = CancellationTokenSource.CreateLinkedTokenSource(page);
        RequestAborted = _end.Token;
    }

    public bool Aborted => _end.IsCancellationRequested;

    public CancellationToken RequestAborted { get; set; }

    public void Abort()
    {
        // Who holds on to the request after its end has nothing left to abort.
        if (!_over) _end.Cancel();
    }

    public void Dispose()
    {
        _over = true;
        _end.Dispose();
    }
}
