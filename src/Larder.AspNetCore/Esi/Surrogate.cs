using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The two fields of the Edge Architecture by which an origin and a surrogate agree on ESI.</summary>
internal static class Surrogate
{
    public const string Capability = "Surrogate-Capability";
    public const string Control = "Surrogate-Control";

    public static readonly StringValues OwnCapability = "larder=\"ESI/1.0\"";

    /// <summary>Whether <c>Surrogate-Control</c> asks for ESI: <c>content="ESI/1.0"</c>, perhaps among others. What is meant for another surrogate (<c>;name</c>) is not.</summary>
    public static bool AsksForEsi(StringValues control)
    {
        foreach (string? line in control)
        {
            foreach (CacheDirective directive in new CacheDirectives(line))
            {
                if (!FieldSyntax.Is(directive.Name, "content")) continue;
                foreach (Range content in directive.Argument.Split(' '))
                    if (FieldSyntax.Is(directive.Argument[content], "ESI/1.0")) return true;
            }
        }
        return false;
    }
}
