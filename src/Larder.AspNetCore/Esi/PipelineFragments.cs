using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Larder.AspNetCore;

/// <summary>
/// Asks the pipeline behind the layer for fragments: the cache, and then the application or the forwarder. No connection is made, so no fragment can lead
/// anywhere that the page's client could not have asked itself.
/// </summary>
/// <param name="routes">Where a fragment's request begins.</param>
/// <param name="budget">For what all pages hold of fragments at once.</param>
/// <param name="most">Largest fragment, in bytes.</param>
internal sealed class PipelineFragments(FragmentRoutes routes, HttpCache cache, RecordingBudget budget, long most, IHttpContextAccessor? accessor) : IFragmentSource
{
    private const string TooLarge = "it is larger than pages may be";
    private const string BrokeOff = "its answer broke off";

    /// <summary>Without what belongs to any request: the accessor of the page's context above all, which must go on saying what it says.</summary>
    private readonly ExecutionContext? _clean = ExecutionContext.Capture();

    public Task<Fragment> FetchAsync(FragmentRequest asked, CancellationToken cancellation)
    {
        if (asked.Address.OtherOrigin is not null) return Task.FromResult(Fragment.Failed("it is on another host"));
        if (_clean is null) return RunAsync(asked, cancellation);
        (Activity? activity, CultureInfo culture, CultureInfo language) = (Activity.Current, CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture);
        Task<Fragment>? fragment = null;
        ExecutionContext.Run(_clean, _ =>
        {
            (Activity.Current, CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture) = (activity, culture, language);
            fragment = RunAsync(asked, cancellation);
        }, null);
        return fragment!;
    }

    private async Task<Fragment> RunAsync(FragmentRequest asked, CancellationToken cancellation)
    {
        using var lifetime = new FragmentLifetime(cancellation);
        var recorder = new ResponseRecorder(budget, most, expected: null, lifetime.Abort);
        HttpContext? context = null;
        string? problem = "it is outside of the path at which this part of the application begins";
        try
        {
            context = FragmentExchange.Create(asked, new FragmentBody(recorder), lifetime);
            if (context is not null)
            {
                if (accessor is not null) accessor.HttpContext = context;
                await routes.For(asked.Page)(context);
                await context.Response.CompleteAsync();
                problem = ProblemOf(context.Response, recorder, lifetime);
            }
        }
        catch (Exception e)
        {
            bool ended = lifetime.Aborted;
            problem = !ended ? "the application failed" : recorder.GaveUp != Reason.None ? TooLarge : BrokeOff;
            if (!ended) Log.FragmentFailed(cache.LoggerOf(asked.Page), e);
            await EndAsync(context, cache.LoggerOf(asked.Page));
        }
        if (problem is null) return Fragment.Of(recorder, context!.Response.Headers);
        recorder.Dispose();
        return Fragment.Failed(problem);
    }

    private static string? ProblemOf(HttpResponse response, ResponseRecorder recorder, FragmentLifetime lifetime)
    {
        if (recorder.GaveUp != Reason.None) return TooLarge;
        if (lifetime.Aborted) return BrokeOff;
        if (response.StatusCode != StatusCodes.Status200OK) return string.Create(CultureInfo.InvariantCulture, $"its status is {response.StatusCode}");
        if (!EsiDecider.IsIdentity(response.Headers.ContentEncoding)) return "it is encoded";
        return response.ContentLength is { } announced && announced != recorder.Length ? BrokeOff : null;
    }

    /// <summary>What was left to be done at the end, such as giving back services, is done after a failure, too.</summary>
    private static async Task EndAsync(HttpContext? context, ILogger logger)
    {
        try
        {
            if (context is not null) await context.Response.CompleteAsync();
        }
        catch (Exception e)
        {
            Log.FragmentFailed(logger, e);
        }
    }
}
