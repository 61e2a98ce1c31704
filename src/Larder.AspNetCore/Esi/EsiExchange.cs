using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>One run of those behind the layer, and what becomes of their answer.</summary>
/// <remarks>
/// The answer starts twice. When those behind start it their headers are final: what the cache stores is decided by these, and so is whether this is a page.
/// The server starts when the first bytes of the page leave, with the headers of the page. What fails in between can still be answered with an error.
/// A page that fails does not fail those behind: its template passes to its end, so that the cache has it whole.
/// </remarks>
internal sealed class EsiExchange(EsiLayer layer, HttpContext context, EsiLevel level, PageUrl url, bool isNamed, AskedHeaders asked, ResponseSnapshot before)
{
    /// <summary>They describe the template, or bind the page to it.</summary>
    private static readonly string[] OfTheTemplate =
    [
        "ETag", "Last-Modified", "Content-Length", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges", "Age", "Expires", "Trailer",
        Surrogate.Control,
    ];

    private readonly IHttpResponseFeature _response = context.Features.GetRequiredFeature<IHttpResponseFeature>();
    private readonly IHttpResponseBodyFeature _output = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
    private HeldResponse? _held;
    private EsiAssembler? _assembler;
    private EsiDecision _decision;
    private bool _decided;

    /// <summary>Where the page's bytes go; null unless it is assembled.</summary>
    public EsiAssembler? Assembler => _assembler;

    public HttpContext Context => context;

    public EsiLayer Layer => layer;

    public EsiLevel Level => level;

    public PageUrl Url => url;

    public async Task<EsiDecision> RunAsync(RequestDelegate next)
    {
        var body = new EsiBody(_output, this);
        _held = new(_response);
        context.Features.Set<IHttpResponseFeature>(_held);
        context.Features.Set<IHttpResponseBodyFeature>(body);
        try
        {
            await next(context);
            await body.FinishAsync();
        }
        finally
        {
            context.Features.Set(_response);
            context.Features.Set(_output);
            if (!_decided) _held.HandOver();
            if (_assembler is not null) await _assembler.DisposeAsync();
        }
        if (_assembler is not null) await CloseAsync(_assembler);
        return _decision;
    }

    /// <summary>Those behind start: their callbacks run, and what becomes of the answer is decided.</summary>
    public async Task<EsiMode> DecideAsync()
    {
        await _held!.StartAsync();
        _decided = true;
        asked.RestoreEncodings();
        _decision = EsiDecider.Decide(_response.StatusCode, _response.Headers, layer.Options, isNamed);
        if (_decision == EsiDecision.AskAgain && !asked.HasConditions) _decision = EsiDecision.Pass;
        if (_decision == EsiDecision.Encoded) Log.PageNotProcessed(layer.LoggerOf(context), "it is encoded");
        if (_decision == EsiDecision.OtherType) Log.PageNotProcessed(layer.LoggerOf(context), "its type is not one of those that are processed");
        if (_decision == EsiDecision.AskAgain) return EsiMode.Discard;
        if (_decision != EsiDecision.Assemble) return EsiMode.Forward;
        return BeginPage();
    }

    /// <summary>The page's first bytes leave: what can be said of its freshness is said now.</summary>
    /// <param name="known">Null where a fragment is still to come.</param>
    public async Task StartPageAsync(PageFreshness? known)
    {
        StringValues own = _response.Headers.CacheControl;
        _response.Headers.CacheControl = known is { } freshness ? freshness.ToCacheControl() : PageFreshness.BeforeFragments(own);
        await _output.StartAsync(context.RequestAborted);
    }

    private EsiMode BeginPage()
    {
        long? length = _response.Headers.ContentLength;
        var freshness = new PageFreshness();
        freshness.Add(_response.Headers, layer.Now);
        foreach (string name in OfTheTemplate) _response.Headers.Remove(name);
        // What other caches farther on would go by says nothing of the fragments.
        foreach (string name in _response.Headers.Keys.Where(static name => name.EndsWith("-Cache-Control", StringComparison.OrdinalIgnoreCase)).ToList()) _response.Headers.Remove(name);
        // HEAD says what GET would, as far as that is known without asking for fragments.
        if (HttpMethods.IsHead(context.Request.Method))
        {
            _response.Headers.CacheControl = PageFreshness.BeforeFragments(_response.Headers.CacheControl);
            return EsiMode.Forward;
        }
        _assembler = new(this, _output.Writer, length, freshness);
        return EsiMode.Assemble;
    }

    private async Task CloseAsync(EsiAssembler page)
    {
        if (page.Missing > 0 || page.UnknownTags > 0) Log.PageIncomplete(layer.LoggerOf(context), page.Missing, page.UnknownTags);
        if (page.Problem is not { } problem || context.RequestAborted.IsCancellationRequested) return;
        Log.PageFailed(layer.LoggerOf(context), problem);
        if (_response.HasStarted)
        {
            context.Abort();
            return;
        }
        before.Restore();
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status502BadGateway;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        await response.WriteAsync("""{"type":"about:blank","title":"Bad Gateway","status":502,"detail":"A part of this page could not be fetched."}""", context.RequestAborted);
    }
}
