using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The cookies of a request (RFC 6265 §4.2.1), as they were sent.</summary>
internal static class Cookies
{
    /// <summary>The values of a cookie, in order; names are compared with regard to case.</summary>
    public static List<string> All(StringValues lines, ReadOnlySpan<char> name)
    {
        var found = new List<string>();
        foreach (string? line in lines)
        {
            foreach (Range range in line.AsSpan().Split(';'))
            {
                ReadOnlySpan<char> pair = line.AsSpan()[range].Trim(" \t");
                int equals = pair.IndexOf('=');
                if (equals >= 0 && pair[..equals].TrimEnd(" \t").SequenceEqual(name)) found.Add(pair[(equals + 1)..].TrimStart(" \t").ToString());
            }
        }
        return found;
    }
}
