using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.AspNetCore;

/// <summary>
/// A request as the key has it, while the origin is asked: of its query what a rule keeps (<see cref="QueryPolicy"/>). What others are served was then made
/// for exactly what the key says.
/// </summary>
internal readonly struct ShapedRequest
{
    private readonly HttpContext? _context;
    private readonly string _target;
    private readonly QueryString _query;

    private ShapedRequest(HttpContext context, IHttpRequestFeature request)
    {
        _context = context;
        _target = request.RawTarget;
        _query = context.Request.QueryString;
    }

    /// <summary>Shapes the request, if there is anything to be left out or put in order.</summary>
    public static ShapedRequest Of(HttpContext context, QueryPolicy policy)
    {
        if (!policy.ChangesQuery || context.Features.Get<IHttpRequestFeature>() is not { } request) return default;
        var before = new ShapedRequest(context, request);
        if (!string.IsNullOrEmpty(request.RawTarget)) request.RawTarget = policy.Apply(RequestTarget.PathAndQuery(request.RawTarget)).ToString();
        context.Request.QueryString = new(policy.Apply(context.Request.QueryString.Value).ToString());
        return before;
    }

    public void Restore()
    {
        if (_context is null) return;
        _context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = _target;
        _context.Request.QueryString = _query;
    }
}
