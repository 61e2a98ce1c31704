namespace Larder.AspNetCore;

/// <summary>
/// Which pages are put together from fragments (Edge Side Includes). Off by default: nothing is looked at unless the program and the response, or a
/// pattern of the program, say so.
/// </summary>
public sealed class EsiOptions
{
    /// <summary>
    /// Responses that carry <c>Surrogate-Control</c> with <c>content="ESI/1.0"</c> are processed, and requests to the origin say
    /// <c>Surrogate-Capability: larder="ESI/1.0"</c>. Off by default.
    /// </summary>
    public bool Enabled { get; set; }

    /// <summary>Paths whose responses are processed whether they say so or not. Their requests ask the origin for neither an encoding, nor a part, nor a 304.</summary>
    public IList<RulePattern> Paths { get; } = [];

    /// <summary>
    /// Hosts besides the page's own whose fragments may be included, each as <c>host</c> or <c>host:port</c>. In process no other host is ever asked;
    /// what is named here is left to a host that has a forwarder for it.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Media types that are processed; responses of any other, or of none, pass untouched.</summary>
    public IList<string> ContentTypes { get; } = ["text/html", "text/xml", "application/xhtml+xml", "text/plain", "application/xml", "application/json"];

    /// <summary>How many fragments one page may ask for, those of its fragments and alternatives included: 1 to 10,000, by default 1,000.</summary>
    public int MaxIncludes { get; set; } = 1000;

    /// <summary>Largest assembled page, in bytes: 1 to 2,000,000,000, by default 64 MiB. What grows over it is broken off.</summary>
    public long MaxPageBytes { get; set; } = 64L << 20;

    internal bool IsOn => Enabled || Paths.Count > 0;

    /// <summary>What can't work, one sentence each.</summary>
    internal IEnumerable<string> Problems()
    {
        if (MaxIncludes is < 1 or > 10_000) yield return FormattableString.Invariant($"Esi.MaxIncludes is {MaxIncludes}; allowed is 1 to 10,000.");
        if (MaxPageBytes is < 1 or > 2_000_000_000) yield return FormattableString.Invariant($"Esi.MaxPageBytes is {MaxPageBytes}; allowed is 1 to 2,000,000,000.");
        foreach (string type in ContentTypes)
            if (type.Split('/') is not [var first, var second] || !Rfc9111.FieldSyntax.IsToken(first) || !Rfc9111.FieldSyntax.IsToken(second))
                yield return $"Esi.ContentTypes has '{type}'; allowed are media types such as text/html.";
        foreach (string host in AllowedHosts)
            if (!FragmentAddress.IsAuthority(host)) yield return $"Esi.AllowedHosts has '{host}'; allowed is a host or host:port, without scheme and path.";
    }
}
