namespace Larder.Gateway.Hosting;

/// <summary>In which form the origin is told of the client's address, host and scheme.</summary>
public enum ForwardingForm
{
    /// <summary><c>X-Forwarded-For</c>, <c>X-Forwarded-Host</c> and <c>X-Forwarded-Proto</c>.</summary>
    XForwarded,

    /// <summary><c>Forwarded</c> (RFC 7239).</summary>
    Forwarded,

    /// <summary>Both.</summary>
    Both,

    /// <summary>Not at all. What clients send under these names is removed all the same.</summary>
    None,
}
