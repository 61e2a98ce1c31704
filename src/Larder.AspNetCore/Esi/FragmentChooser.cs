namespace Larder.AspNetCore;

/// <summary>Finds the fragment for a tag: what <c>src</c> names, or else what <c>alt</c> does, or else nothing where the tag allows that.</summary>
internal sealed class FragmentChooser(EsiExchange exchange) : IDisposable
{
    private CancellationTokenSource? _end;

    /// <summary>Never throws; what can't be had is a fragment with a problem.</summary>
    public async Task<Fragment> FetchAsync(EsiInclude include)
    {
        Fragment fragment = await FetchAsync(include.Source);
        if (fragment.Problem is not null && include.Alternative is { } alternative) fragment = await FetchAsync(alternative);
        return fragment.Problem is not null && include.MayFail ? Fragment.Missing : fragment;
    }

    /// <summary>What is still under way is of no use any more.</summary>
    public void Cancel() => _end?.Cancel();

    public void Dispose() => _end?.Dispose();

    private Task<Fragment> FetchAsync(string source)
    {
        if (exchange.Level.Depth >= EsiLevel.Deepest) return Failed("pages are nested too deep");
        if (!exchange.Level.Totals.TryTake()) return Failed("the page has more fragments than pages may have");
        if (FragmentAddress.Resolve(source, exchange.Url.Origin, exchange.Url.Target) is not { } address) return Failed("its URL leads nowhere");
        IFragmentSource? from = exchange.Layer.OwnFragments;
        if (address.OtherOrigin is { } other)
        {
            if (!FragmentAddress.IsAllowed(other, exchange.Layer.Options.AllowedHosts)) return Failed("it is on another host");
            from = exchange.Layer.OtherFragments;
            if (from is null) return Failed("it is on another host, which nobody here can ask");
        }
        _end ??= CancellationTokenSource.CreateLinkedTokenSource(exchange.Context.RequestAborted);
        return from.FetchAsync(new(exchange.Context, exchange.Level.Next(), exchange.Url, address), _end.Token);
    }

    private static Task<Fragment> Failed(string problem) => Task.FromResult(Fragment.Failed(problem));
}
