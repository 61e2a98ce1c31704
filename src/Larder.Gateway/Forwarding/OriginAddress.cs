namespace Larder.Gateway.Forwarding;

/// <summary>The origin's address, split once: what is shown, and what targets are appended to.</summary>
internal sealed class OriginAddress
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };
    private readonly string _prefix;

    /// <summary>Takes an origin URI apart.</summary>
    /// <exception cref="ArgumentException">The URI is not absolute, not HTTP, or carries a query or a fragment.</exception>
    public OriginAddress(Uri origin)
    {
        if (!origin.IsAbsoluteUri || (origin.Scheme != Uri.UriSchemeHttp && origin.Scheme != Uri.UriSchemeHttps))
            throw new ArgumentException("The origin must be an absolute http or https URI.", nameof(origin));
        if (origin.Query.Length > 0 || origin.Fragment.Length > 0)
            throw new ArgumentException("The origin must carry neither a query nor a fragment.", nameof(origin));

        Name = origin.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        PathBase = origin.AbsolutePath.TrimEnd('/');
        IsSecure = origin.Scheme == Uri.UriSchemeHttps;
        _prefix = Name + PathBase;
    }

    /// <summary>Scheme, host and port (where it is not the default), as logs and error documents name the origin.</summary>
    public string Name { get; }

    /// <summary>What stands before every forwarded path; empty or beginning, and never ending, with a slash.</summary>
    public string PathBase { get; }

    /// <summary>Whether the origin is spoken to over TLS.</summary>
    public bool IsSecure { get; }

    /// <summary>The URI to send a target to, not canonicalised.</summary>
    public Uri For(string pathAndQuery) => new(_prefix + pathAndQuery, Verbatim);
}
