using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>What a page was asked for with, before anybody behind could change it: what its fragments' URLs are resolved against.</summary>
internal sealed class PageUrl(HttpContext context, string? positionHeader)
{
    private readonly HostString _host = context.Request.Host;
    private string? _origin;

    public string Target { get; } = RequestTarget.Of(context).ToString();

    public string Scheme { get; } = context.Request.Scheme;

    public PathString PathBase { get; } = context.Request.PathBase;

    /// <summary>The cache takes it out of the page's request; its fragments are to be no older.</summary>
    public (string? Name, StringValues Value) Position { get; } = (positionHeader, positionHeader is null ? default : context.Request.Headers[positionHeader]);

    public string Origin => _origin ??= FragmentAddress.OriginOf(Scheme, _host.Value);

    /// <summary>Tells pages apart well enough to remember which ones are templates.</summary>
    public int Hash => HashCode.Combine(_host.Value is { } host ? KeyComparer.Hash(host) : 0, KeyComparer.Hash(Target));
}
