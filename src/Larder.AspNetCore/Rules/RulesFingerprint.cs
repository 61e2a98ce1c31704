using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder.AspNetCore;

/// <summary>
/// Tells sets of rules apart wherever stored responses leave the process: a SHA-256 over all that decides under which key a response is stored, for
/// whom, how long and with which tags. What is stored says nothing of rules, for it was stored under these; under others it is a miss.
/// </summary>
/// <remarks>
/// Each text and list is preceded by its length, each time span is its ticks, or -1 where there is none. Who the user of a request is
/// (<see cref="HttpCacheOptions.User"/>) and conditions are functions, of which only can be told whether there is one.
/// </remarks>
internal sealed class RulesFingerprint : IDisposable
{
    public const int Bytes = SHA256.HashSizeInBytes;

    /// <summary>Raised when rules come to mean something else.</summary>
    private const int Version = 2;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private RulesFingerprint() => Number(Version);

    public static byte[] Of(HttpCacheOptions options) => Of(options, [.. options.Rules]);

    /// <summary>The same with other rules than those of the options.</summary>
    public static byte[] Of(HttpCacheOptions options, IReadOnlyList<CacheRule> rules)
    {
        using var print = new RulesFingerprint();
        print.Flags(options.CacheProvocableErrors, options.ForwardingHeadersAreStripped, options.User is not null, options.Heuristics, options.Compress, options.Esi.Enabled);
        print.Texts([.. options.Esi.Paths.Select(static path => $"{path.Kind} {path.Text}")]);
        print.Texts([.. options.CacheControlTargets]);
        print.Texts([.. options.TagHeaders]);
        print.Number(rules.Count);
        foreach (CacheRule rule in rules) print.Rule(rule);
        return print._hash.GetHashAndReset();
    }

    /// <summary>The same of one rule.</summary>
    public static byte[] Of(CacheRule rule)
    {
        using var print = new RulesFingerprint();
        print.Rule(rule);
        return print._hash.GetHashAndReset();
    }

    public void Dispose() => _hash.Dispose();

    private void Rule(CacheRule rule)
    {
        Text(rule.Pattern.Kind);
        Text(rule.Pattern.Text);
        Texts(rule.Methods);
        Texts(rule.Hosts);
        Span(rule.Ttl);
        Span(rule.ErrorTtl);
        Flags(rule.OverridesOrigin, rule.Heuristics, rule.Never, rule.Condition is not null, rule.VaryBy is not null, rule.Compress is not null, rule.Compress == true);
        Number((int)rule.Scope);
        Text(rule.User?.Name ?? "");
        Text(rule.Query.ToString());
        Texts(rule.VaryByHeaders);
        Texts(rule.VaryByCookies);
        Number(rule.Body?.MaxBytes ?? -1);
        Flags(rule.Body?.Json == true);
        Texts(rule.Tags);
        Texts(rule.Invalidates);
        Span(rule.StaleIfError);
        Span(rule.StaleWhileRevalidate);
        Text(rule.CacheControl ?? "");
        Number(rule.Statuses.Count);
        foreach (int status in rule.Statuses) Number(status);
        Texts(rule.ContentTypes);
        Number(rule.MaxBodyBytes ?? -1);
    }

    private void Flags(params ReadOnlySpan<bool> flags)
    {
        foreach (bool flag in flags) Number(flag ? 1 : 0);
    }

    private void Number(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
    }

    private void Span(TimeSpan? span) => Number(span?.Ticks ?? -1);

    private void Text(string text)
    {
        Number(text.Length);
        _hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }

    private void Texts(IReadOnlyList<string> texts)
    {
        Number(texts.Count);
        foreach (string text in texts) Text(text);
    }
}
