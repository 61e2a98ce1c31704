using System.Buffers;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// The request target as the client sent it (RFC 9112 §3.2), reduced to the path and query that the origin gets, byte
/// for byte. What can't be carried so is refused: a client, the cache and the origin must never read one target differently.
/// </summary>
internal readonly struct RequestTarget
{
    private static readonly SearchValues<char> Forwardable = SearchValues.Create(
        Enumerable.Range(0x21, 0x7E - 0x21 + 1).Select(c => (char)c).Where(c => c is not ('#' or '\\')).ToArray());

    private static readonly Refusal BadCharacter = new(400, "The request target contains a fragment, a backslash, a control or a non-ASCII character.");
    private static readonly Refusal BadForm = new(400, "The request target is neither a path, an absolute URI nor an asterisk.");
    private static readonly Refusal LeavesBase = new(400, "The request target contains a parent segment, which would leave the origin's path base.");

    private RequestTarget(string? pathAndQuery, Refusal? refusal)
    {
        PathAndQuery = pathAndQuery;
        Refusal = refusal;
    }

    /// <summary>The path and query, beginning with a slash; <c>*</c> for the asterisk form; null if refused.</summary>
    public string? PathAndQuery { get; }

    /// <summary>Why the target can't be forwarded; null if it can.</summary>
    public Refusal? Refusal { get; }

    /// <summary>Whether the target is the asterisk form, which concerns the server as a whole.</summary>
    public bool IsAsterisk => PathAndQuery == "*";

    /// <summary>Reads a raw target.</summary>
    public static RequestTarget Parse(string raw)
    {
        if (raw.AsSpan().ContainsAnyExcept(Forwardable)) return new(null, BadCharacter);
        if (raw.StartsWith('/') || raw == "*") return new(raw, null);

        int authority = raw.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7
            : raw.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8 : 0;
        if (authority == 0) return new(null, BadForm);

        return raw.Length > authority && raw[authority] is '/' or '?' ? new(null, BadForm) : new(AspNetCore.RequestTarget.PathAndQuery(raw).ToString(), null);
    }

    /// <summary>The refusal of a target that would climb out of a path base once the origin resolves its dot segments; else null.</summary>
    public static Refusal? LeavingBase(string pathBase, string pathAndQuery)
    {
        if (pathBase.Length == 0) return null;
        int query = pathAndQuery.IndexOf('?', StringComparison.Ordinal);
        string path = Uri.UnescapeDataString(query < 0 ? pathAndQuery : pathAndQuery[..query]);
        foreach (Range segment in path.AsSpan().SplitAny('/', '\\'))
        {
            ReadOnlySpan<char> name = path.AsSpan(segment);
            if (name is ".." || name.StartsWith("..;")) return LeavesBase;
        }
        return null;
    }
}
