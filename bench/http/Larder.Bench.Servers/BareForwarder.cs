using Microsoft.Extensions.Primitives;

namespace Larder.Bench.Servers;

/// <summary>
/// The least a reverse proxy can do with <see cref="SocketsHttpHandler"/>: method, target and headers out, status, headers and
/// body back. It lacks what a real one must have (hop-by-hop rules beyond the obvious, limits, timeouts): it is the limit
/// for a gateway's miss, nothing to run.
/// </summary>
internal sealed class BareForwarder(Uri origin)
{
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        ActivityHeadersPropagator = null,
    });

    public async Task ForwardAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(origin, context.Request.Path + context.Request.QueryString));
        foreach ((string name, StringValues value) in context.Request.Headers)
            if (!IsHopByHop(name)) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);

        using HttpResponseMessage answer = await _invoker.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.NonValidated)
            if (!IsHopByHop(name)) context.Response.Headers[name] = values.ToString();
        foreach (var (name, values) in answer.Content.Headers.NonValidated) context.Response.Headers[name] = values.ToString();
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private static bool IsHopByHop(string name) =>
        name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Connection", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Keep-Alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}
