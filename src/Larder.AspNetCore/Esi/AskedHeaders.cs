using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The request's headers that the layer changes for those behind it, and puts back for those in front.</summary>
internal sealed class AskedHeaders(IHeaderDictionary headers)
{
    /// <summary>An assembled page has no validator and no parts: what a client asks with is not for the template to answer.</summary>
    private static readonly string[] Conditions = ["If-None-Match", "If-Modified-Since", "If-Range", "Range"];

    private readonly List<(string Name, StringValues Value)> _taken = [];

    /// <summary>Whether a template may be answered in part, or with a 304.</summary>
    public bool HasConditions => Array.Exists(Conditions, name => headers[name].Count > 0);

    public void Announce() => headers[Surrogate.Capability] = Surrogate.OwnCapability;

    public void WithoutConditions()
    {
        foreach (string name in Conditions) Take(name);
    }

    public void WithoutEncodings() => Take("Accept-Encoding");

    /// <summary>Those in front may compress the page: what its client accepts is theirs to see when it starts.</summary>
    public void RestoreEncodings() => Restore(taken => taken.Name == "Accept-Encoding");

    public void Restore()
    {
        headers.Remove(Surrogate.Capability);
        Restore(_ => true);
    }

    private void Take(string name)
    {
        if (!headers.Remove(name, out StringValues value)) return;
        _taken.Add((name, value));
    }

    private void Restore(Predicate<(string Name, StringValues Value)> which)
    {
        foreach ((string name, StringValues value) in _taken.FindAll(which)) headers[name] = value;
        _taken.RemoveAll(which);
    }
}
