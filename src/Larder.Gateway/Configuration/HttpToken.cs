using System.Buffers;

namespace Larder.Gateway.Configuration;

/// <summary>The syntax of methods and header names (RFC 9110 §5.6.2).</summary>
internal static class HttpToken
{
    private static readonly SearchValues<char> Characters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Whether the text is a token of at most 100 characters.</summary>
    public static bool Is(string text) => text.Length is > 0 and <= 100 && !text.AsSpan().ContainsAnyExcept(Characters);
}
