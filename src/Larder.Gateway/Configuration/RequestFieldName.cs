using Larder.Gateway.Forwarding;

namespace Larder.Gateway.Configuration;

/// <summary>Names of request headers that the cache is to look at. One that no request has in front of it could never do what is meant.</summary>
internal static class RequestFieldName
{
    /// <summary>Whether the name will do; reports it otherwise.</summary>
    public static bool Check(PlacedText name, string allowed, ConfigReport report)
    {
        string? problem = !HttpToken.Is(name.Value) ? allowed
            : HeaderRules.IsUntrusted(name.Value) || HeaderRules.IsHopByHop(name.Value) ? $"{allowed}: the gateway removes this one, because any client could set it"
            : name.Value.Equals("Via", StringComparison.OrdinalIgnoreCase) ? $"{allowed}: the gateway sets this one itself"
            : null;
        if (problem is not null) report.Refuse(name, problem);
        return problem is null;
    }
}
