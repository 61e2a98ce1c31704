using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Adapts a header dictionary to the pure functions.</summary>
internal readonly struct HeaderLookup(IHeaderDictionary headers) : IHeaderLookup
{
    public StringValues this[string name] => headers[name];
}

/// <summary>Adapts stored fields to the pure functions.</summary>
internal readonly struct StoredHeaderLookup(IReadOnlyList<KeyValuePair<string, StringValues>> headers) : IHeaderLookup
{
    public StringValues this[string name]
    {
        get
        {
            foreach ((string own, StringValues values) in headers)
                if (string.Equals(own, name, StringComparison.OrdinalIgnoreCase)) return values;
            return default;
        }
    }
}

/// <summary>Which fields of a response are stored (RFC 9111 §3.1), and how a 304 updates them (§3.2).</summary>
internal static class ResponseHeaders
{
    public const string XCache = "X-Cache";
    public const string XCacheAge = "X-Cache-Age";
    public const string CacheStatusName = "Cache-Status";

    public static List<KeyValuePair<string, StringValues>> ToStore(IHeaderDictionary headers, ResponseSnapshot before, in CacheControl directives, bool isPrivate, bool isPart = false)
    {
        HashSet<string>? perConnection = HopByHop.ConnectionOptions(headers.Connection);
        bool withholds = Storability.WithholdsFields(directives);
        var kept = new List<KeyValuePair<string, StringValues>>(headers.Count);
        foreach (KeyValuePair<string, StringValues> field in headers)
        {
            if (IsWrittenAnew(field.Key) || HopByHop.IsHopByHop(field.Key) || perConnection?.Contains(field.Key) == true) continue;
            // What somebody in front put there (a request id, a nonce) is not of this response; it is put on a hit anew.
            if (before.Has(field)) continue;
            // Which part is sent is said anew each time.
            if (isPart && Is(field.Key, "Content-Range")) continue;
            if (withholds && Storability.IsWithheld(directives, field.Key, isPrivate)) continue;
            kept.Add(field);
        }
        return kept;
    }

    /// <summary>The stored fields with those of a 304 over them.</summary>
    public static List<KeyValuePair<string, StringValues>> Updated(
        KeyValuePair<string, StringValues>[] stored, IHeaderDictionary received, ResponseSnapshot before, in CacheControl directives, bool isPrivate)
    {
        var updates = ToStore(received, before, directives, isPrivate);
        updates.RemoveAll(static field => !Freshening.MayUpdate(field.Key));
        var fields = new List<KeyValuePair<string, StringValues>>(stored.Length + updates.Count);
        foreach (KeyValuePair<string, StringValues> field in stored)
            if (!updates.Exists(update => string.Equals(update.Key, field.Key, StringComparison.OrdinalIgnoreCase))) fields.Add(field);
        fields.AddRange(updates);
        return fields;
    }

    private static bool IsWrittenAnew(string name) => name.Length switch
    {
        3 => Is(name, "Age"),
        7 => Is(name, XCache),
        11 => Is(name, XCacheAge),
        14 => Is(name, "Content-Length"),
        _ => false,
    };

    private static bool Is(string name, string other) => string.Equals(name, other, StringComparison.OrdinalIgnoreCase);
}
