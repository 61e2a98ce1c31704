using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The body of a request that is cached by it (<see cref="BodyKey"/>), read whole; a feature of the request.</summary>
internal sealed class KeyedBody
{
    private KeyedBody(string key, ReadOnlyMemory<byte> bytes, RuleSet rules, CompiledRule rule)
    {
        Rules = rules;
        Key = key;
        Bytes = bytes;
        Rule = rule;
    }

    /// <summary>What enters the key: the method, the fields that say what the body is, and its SHA-256, each with its length in front.</summary>
    public string Key { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The rules that were asked: others may hold by the time the body has come.</summary>
    public RuleSet Rules { get; }

    public CompiledRule Rule { get; }

    /// <summary>
    /// Reads the body of a request and puts it back, so that the application finds it as it came.
    /// </summary>
    /// <returns>The body; null where it is larger than the rule allows, or is not what the rule reads it as.</returns>
    public static async Task<KeyedBody?> ReadAsync(HttpContext context, RuleSet rules, CompiledRule rule)
    {
        BodyKey recipe = rule.Rule.Body!;
        HttpRequest request = context.Request;
        if (request.ContentLength > recipe.MaxBytes) return null;
        Stream body = request.Body;
        var read = new byte[request.ContentLength is { } length ? (int)length + 1 : recipe.MaxBytes + 1];
        int count = 0;
        while (count < read.Length && await body.ReadAsync(read.AsMemory(count), context.RequestAborted) is > 0 and var more) count += more;
        if (count == read.Length)
        {
            request.Body = new PushedBackStream(read.AsMemory(0, count), body);
            return null;
        }
        ReadOnlyMemory<byte> bytes = read.AsMemory(0, count);
        request.Body = Streamed(bytes);
        if (!recipe.Json) return new(KeyOf(request, bytes.Span), bytes, rules, rule);
        if (HasOwnForm(request.Headers) || CanonicalJson.Of(bytes) is not { } form) return null;
        // The origin sees what the key has, and nothing of how that was written.
        request.Body = Streamed(form);
        request.Headers.TransferEncoding = default;
        request.ContentLength = form.Length;
        return new(KeyOf(request, form), form, rules, rule);
    }

    /// <summary>Fields that are about the very bytes.</summary>
    private static bool HasOwnForm(IHeaderDictionary headers) =>
        headers.ContentEncoding.Count > 0 || headers.ContentMD5.Count > 0 || headers["Digest"].Count > 0 || headers["Content-Digest"].Count > 0 || headers["Repr-Digest"].Count > 0;

    public Stream ToStream() => Streamed(Bytes);

    private static MemoryStream Streamed(ReadOnlyMemory<byte> bytes) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> part) ? new(part.Array!, part.Offset, part.Count, writable: false) : new(bytes.ToArray(), writable: false);

    private static string KeyOf(HttpRequest request, ReadOnlySpan<byte> bytes)
    {
        var key = new KeyBuilder(stackalloc char[256]);
        key.AppendPart(request.Method);
        // The origin reads the body by these.
        foreach ((string name, StringValues values) in request.Headers.Where(static field => IsAboutContent(field.Key)).OrderBy(static field => field.Key, StringComparer.OrdinalIgnoreCase))
        {
            key.AppendPart(name.ToLowerInvariant());
            foreach (string? value in values) key.AppendPart(value);
            key.Append(';');
        }
        key.AppendPart(Convert.ToHexStringLower(SHA256.HashData(bytes)));
        string text = key.ToString();
        key.Dispose();
        return text;
    }

    private static bool IsAboutContent(string name) =>
        name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase);
}
