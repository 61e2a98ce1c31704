using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>What rules look at of a request.</summary>
/// <param name="method">Its method; GET for HEAD, since both are answered from one entry.</param>
/// <param name="host">Its host, without a port.</param>
/// <param name="path">Its decoded path.</param>
/// <param name="isPlain">Every server reads its path alike (<see cref="RequestTarget.IsPlain"/>).</param>
internal readonly ref struct RuleSubject(string method, ReadOnlySpan<char> host, string path, bool isPlain)
{
    public string Method { get; } = method;

    public ReadOnlySpan<char> Host { get; } = host;

    public string Path { get; } = path;

    public bool IsPlain { get; } = isPlain;

    public static RuleSubject Of(HttpRequest request, bool isPlain) =>
        new(HttpMethods.IsHead(request.Method) ? HttpMethods.Get : request.Method, HostOf(request.Headers.Host.ToString()), request.Path.Value ?? "/", isPlain);

    /// <summary>The host of an authority, an IPv6 address with its brackets.</summary>
    public static ReadOnlySpan<char> HostOf(ReadOnlySpan<char> authority)
    {
        int port = authority.LastIndexOf(':');
        return port > authority.LastIndexOf(']') ? authority[..port] : authority;
    }
}
