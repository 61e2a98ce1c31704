using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// Fields meant for one connection (RFC 9110 §7.6.1): neither stored nor forwarded (RFC 9111 §3.1). Decide on storing
/// before removing anything: a response's <c>Connection: cache-control</c> must not hide its <c>private</c>.
/// </summary>
internal static class HopByHop
{
    /// <summary>Whether the field is hop-by-hop by its name.</summary>
    public static bool IsHopByHop(string name) => name.Length switch
    {
        2 => FieldSyntax.Is(name, "TE"),
        7 => FieldSyntax.Is(name, "Trailer") || FieldSyntax.Is(name, "Upgrade"),
        10 => FieldSyntax.Is(name, "Connection") || FieldSyntax.Is(name, "Keep-Alive"),
        16 => FieldSyntax.Is(name, "Proxy-Connection"),
        17 => FieldSyntax.Is(name, "Transfer-Encoding"),
        18 => FieldSyntax.Is(name, "Proxy-Authenticate"),
        19 => FieldSyntax.Is(name, "Proxy-Authorization"),
        25 => FieldSyntax.Is(name, "Proxy-Authentication-Info"),
        _ => false,
    };

    /// <summary>
    /// The names that <c>Connection</c> lists, which are hop-by-hop in this message too; compared without regard to
    /// case; null when there are none.
    /// </summary>
    public static HashSet<string>? ConnectionOptions(StringValues connection)
    {
        HashSet<string>? options = null;
        foreach (string? line in connection)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
            {
                if (FieldSyntax.IsToken(member))
                    (options ??= new HashSet<string>(StringComparer.OrdinalIgnoreCase)).Add(member.ToString());
            }
        }
        return options;
    }
}
