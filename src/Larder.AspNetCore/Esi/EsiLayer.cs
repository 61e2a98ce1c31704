using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.AspNetCore;

/// <summary>
/// Stands in front of the cache and puts pages together: what is cached is the template and each fragment, as the origin made them. Only responses that
/// opted in, by themselves or by their path, are looked at.
/// </summary>
internal sealed class EsiLayer
{
    private readonly RequestDelegate _next;
    private readonly HttpCache _cache;
    private readonly TemplateMemory _templates = new();

    private EsiLayer(RequestDelegate next, HttpCache cache, IApplicationBuilder app)
    {
        _next = next;
        _cache = cache;
        // As much as is recorded for the cache at most; one page of full size always has room.
        var budget = new RecordingBudget(Math.Max(Options.MaxPageBytes, cache.Engine.Options.MaxBytes / 4));
        OwnFragments = new PipelineFragments(
            new(app, InvokeAsync), cache, budget, Options.MaxPageBytes, app.ApplicationServices.GetService<IHttpContextAccessor>());
        OtherFragments = app.ApplicationServices.GetService<IFragmentSource>();
    }

    public EsiOptions Options => _cache.Options.Esi;

    public DateTimeOffset Now => _cache.Now;

    public IFragmentSource OwnFragments { get; }

    /// <summary>For the hosts that are allowed besides; null where nobody can ask them.</summary>
    public IFragmentSource? OtherFragments { get; }

    /// <summary>Puts the layer in front of the cache, unless nothing can opt in.</summary>
    public static RequestDelegate InFrontOf(RequestDelegate next, HttpCache cache, IApplicationBuilder app) =>
        cache.Options.Esi.IsOn ? new EsiLayer(next, cache, app).InvokeAsync : next;

    public Microsoft.Extensions.Logging.ILogger LoggerOf(HttpContext context) => _cache.LoggerOf(context);

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        // What a client or somebody in front says it can do is not what is done here.
        request.Headers.Remove(Surrogate.Capability);
        bool reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        return reads && request.Headers.Upgrade.Count == 0 ? AnswerAsync(context) : _next(context);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var url = new PageUrl(context, _cache.Options.PositionHeader);
        if (context.Features.Get<EsiLevel>() is not { } level) context.Features.Set(level = new(0, new(Options.MaxIncludes)));
        bool isNamed = IsNamed(context.Request.Path, url.Target);
        var asked = new AskedHeaders(context.Request.Headers);
        if (Options.Enabled || isNamed) asked.Announce();
        if (isNamed || _templates.Knows(url.Hash)) asked.WithoutConditions();
        if (isNamed) asked.WithoutEncodings();
        var before = new ResponseSnapshot(context.Response);
        try
        {
            // Twice at most: then it has no conditions.
            while (true)
            {
                var exchange = new EsiExchange(this, context, level, url, isNamed, asked, before);
                EsiDecision decision = await exchange.RunAsync(_next);
                if (decision != EsiDecision.AskAgain)
                {
                    _templates.Note(url.Hash, decision == EsiDecision.Assemble);
                    return;
                }
                before.Restore();
                context.Features.Set<IOriginFailureFeature>(null);
                asked.WithoutConditions();
            }
        }
        finally
        {
            asked.Restore();
        }
    }

    /// <summary>A path that servers may read in several ways opts into nothing by its look.</summary>
    private bool IsNamed(PathString path, string target)
    {
        if (Options.Paths.Count == 0 || !RequestTarget.IsPlain(target)) return false;
        foreach (RulePattern pattern in Options.Paths)
            if (pattern.IsMatch(path.Value ?? "/")) return true;
        return false;
    }
}
