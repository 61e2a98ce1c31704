using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>A fragment that a page asks for.</summary>
/// <param name="Page">The exchange that the page is the answer to.</param>
/// <param name="Level">The fragment's own.</param>
/// <param name="Url">The page's URL, as it was before the application saw it.</param>
/// <param name="Address">Where the fragment is.</param>
internal sealed record FragmentRequest(HttpContext Page, EsiLevel Level, PageUrl Url, FragmentAddress Address);

/// <summary>
/// Where fragments come from. In process that is the pipeline behind the layer, which has those of the page's own host only; a host that forwards may
/// register one for the hosts that <see cref="EsiOptions.AllowedHosts"/> names.
/// </summary>
internal interface IFragmentSource
{
    /// <summary>Asks for it. Whatever goes wrong is a fragment with a problem: nothing is thrown.</summary>
    Task<Fragment> FetchAsync(FragmentRequest asked, CancellationToken cancellation);
}
