using System.Net.Http;
using Larder.Gateway.Hosting;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>Makes the header changes of the configuration, which has been checked (<see cref="FieldRules"/>).</summary>
internal static class FieldEditor
{
    /// <summary>Changes an answer.</summary>
    public static void Apply(FieldChanges changes, IHeaderDictionary headers)
    {
        foreach (string name in changes.Remove) headers.Remove(name);
        foreach ((string name, string value) in changes.Set) headers[name] = value;
    }

    /// <summary>Changes a request on its way to the origin.</summary>
    public static void Apply(FieldChanges changes, HttpRequestMessage request)
    {
        foreach (string name in changes.Remove) Remove(request, name);
        foreach ((string name, string value) in changes.Set)
        {
            Remove(request, name);
            if (request.Headers.TryAddWithoutValidation(name, value)) continue;
            request.Content ??= new ByteArrayContent([]);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>A field is in one of two places, and asking the wrong one throws.</summary>
    private static void Remove(HttpRequestMessage request, string name)
    {
        if (request.Headers.NonValidated.Contains(name)) request.Headers.Remove(name);
        else if (request.Content?.Headers.NonValidated.Contains(name) == true) request.Content.Headers.Remove(name);
    }
}
