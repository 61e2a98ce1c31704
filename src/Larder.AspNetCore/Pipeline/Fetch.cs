using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Statuses = Microsoft.AspNetCore.Http.StatusCodes;

namespace Larder.AspNetCore;

/// <summary>
/// Fetch: asks the origin, conditionally where something with a validator is stored, and stores what passes.
/// </summary>
/// <remarks>
/// The stamp is taken before the origin is asked: what an invalidation overtakes meanwhile is not stored. The client
/// gets its bytes as they come; only three answers are held back, since a stored response is served instead: a 304 to
/// the cache's own validation, an error for which a stale response may stand in, and no answer at all.
/// </remarks>
internal sealed class Fetch : ITeeOwner
{
    /// <summary>Up to so many bytes a server takes without waiting for its client.</summary>
    private const int OutputBuffer = 64 * 1024;

    private enum Instead : byte
    {
        Nothing,
        Confirmed,
        Stale,
    }

    private readonly HttpCache _cache;
    private readonly HttpContext _context;
    private readonly Verdict _verdict;
    private readonly CollapsedRequest? _collapsed;
    private readonly Asked _asked;
    private readonly ConditionalHeaders _conditionals;
    private readonly NotedAborts _aborts;
    private Instead _instead;
    private bool _ended;
    private ReadOnlyMemory<byte>? _whole;
    private StorePlan? _plan;
    private ResponseRecorder? _recorder;

    /// <param name="fill">What Redis was asked for before; null where the answer will not go there.</param>
    public Fetch(HttpCache cache, HttpContext context, in Verdict verdict, CollapsedRequest? collapsed, FaceFill? fill)
    {
        _cache = cache;
        _context = context;
        _verdict = verdict;
        _collapsed = collapsed;
        _conditionals = new(context.Request.Headers);
        _aborts = new(context.Features, isShared: collapsed is not null);
        _asked = new(
            verdict.Key!, RequestJudge.FactsOf(context, HttpMethods.IsHead(context.Request.Method)), Copy(context.Request.Headers), new(context.Response), cache.Now,
            cache.Engine.BeginFill(), fill, new(verdict.Reason));
    }

    private StoredResponse? Stored => _verdict.Stored;

    private FetchKey Key => _asked.Key;

    /// <summary>Why the origin was asked, or, where no answer came from it, why not.</summary>
    private Reason Cause => _context.Features.Get<IOriginFailureFeature>()?.Reason ?? _verdict.Reason;

    /// <summary>What expired and is gone is no match any more (RFC 9211 §2.2).</summary>
    private string Fwd => Stored is null && _verdict.Reason == Reason.MissExpired ? "uri-miss" : CacheStatus.FwdFor(_verdict.Reason);

    private bool IsUnreachable => _context.Features.Get<IOriginFailureFeature>() is not null;

    private TimeSpan StoredAge => Stored!.AgeAt(_cache.Clock.Now);

    public async Task RunAsync(RequestDelegate next)
    {
        bool validates = _conditionals.Replace(Stored, hasRuleTtl: Key.Rule?.Rule.Ttl is not null);
        try
        {
            TeeBody tee = await AskOriginAsync(next);
            if (_instead != Instead.Nothing) await DeliverInsteadAsync(validates);
            else if (_asked.Facts.IsHead) await CompleteHeadAsync();
            else Complete(tee);
        }
        catch (Exception e) when (!_ended)
        {
            if (e is not (OperationCanceledException or BadHttpRequestException) && !_context.Response.HasStarted) EndOthersWait(Statuses.Status500InternalServerError);
            End(Cause);
            if (_plan is not null) Count(Reason.UnstoredIncomplete);
            throw;
        }
        finally
        {
            _recorder?.Dispose();
        }
    }

    /// <summary>Runs the application, or the forwarder, with the body going through the tee.</summary>
    private async Task<TeeBody> AskOriginAsync(RequestDelegate next)
    {
        IHttpResponseBodyFeature inner = _context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var tee = new TeeBody(inner, this, _context.Response);
        ShapedRequest shaped = ShapedRequest.Of(_context, Key.Query);
        Endpoint? endpoint = _context.GetEndpoint();
        bool wasAuthorized = EndpointMarks.IsAuthorized(_context);
        _context.Features.Set<IHttpCacheFeature>(_asked.Said);
        _context.Response.OnStarting(static state => ((Fetch)state).OnStarting(), this);
        _context.Features.Set<IHttpResponseBodyFeature>(tee);
        _aborts.Install();
        try
        {
            await next(_context);
            _cache.Endpoints?.LookBack(_context, endpoint, wasAuthorized);
            await tee.FinishAsync();
        }
        catch (OperationCanceledException) when (_context.RequestAborted.IsCancellationRequested && _plan?.ContentLength == tee.Written)
        {
            // The client left as soon as it had the whole body; so has the recorder.
        }
        catch (Exception e) when (MayStandIn(e))
        {
            _instead = Instead.Stale;
            Log.StoodIn(_cache.LoggerOf(_context), e);
        }
        finally
        {
            await tee.EndInPlaceAsync();
            shaped.Restore();
            _conditionals.Restore();
            _aborts.Remove();
            _context.Features.Set(inner);
        }
        return tee;
    }

    /// <summary>Before the response starts: a stored response may be served in its place.</summary>
    TeeMode ITeeOwner.BeforeStart(ReadOnlyMemory<byte>? whole)
    {
        _whole = whole;
        if (Stored is null) return TeeMode.Forward;
        int status = _context.Response.StatusCode;
        if (status == Statuses.Status304NotModified && _conditionals.Validates) _instead = Instead.Confirmed;
        else if (MayStandInFor(status)) _instead = Instead.Stale;
        return _instead == Instead.Nothing ? TeeMode.Forward : TeeMode.Discard;
    }

    bool ITeeOwner.HoldsSmall => Key.Rule?.Rule.Ttl is not null;

    TeeMode ITeeOwner.ModeOnceStarted => _plan?.ClientHasIt == true ? TeeMode.RecordOnly : TeeMode.Forward;

    ResponseRecorder? ITeeOwner.Recorder => _recorder;

    StoredBody? ITeeOwner.InPlace => _recorder is SharedRecorder { Announced: > OutputBuffer } shared && _plan?.ClientHasIt == false ? new GrowingBody(shared) : null;

    private bool MayStandInFor(int status)
    {
        bool unreachable = IsUnreachable;
        return (unreachable || Reuse.IsError(status)) && _cache.MayServeStaleOnError(_verdict.Facts, StoredAge, _asked.Facts, unreachable);
    }

    private bool MayStandIn(Exception e) =>
        Stored is not null && !_context.Response.HasStarted && !_context.RequestAborted.IsCancellationRequested
        && e is not BadHttpRequestException
        && _cache.MayServeStaleOnError(_verdict.Facts, StoredAge, _asked.Facts, IsUnreachable);

    /// <summary>The last of the callbacks before the headers leave: what they are now is what is judged and stored.</summary>
    private Task OnStarting()
    {
        if (_ended || _instead != Instead.Nothing) return Task.CompletedTask;
        if (_asked.Said.Invalidations.Count == 0 || IsUnreachable || _context.Response.StatusCode is < 200 or >= 400)
        {
            Decide();
            return Task.CompletedTask;
        }
        return InvalidateAndDecideAsync();
    }

    /// <summary>What the handler ends is ended before its answer leaves.</summary>
    private async Task InvalidateAndDecideAsync()
    {
        await _cache.InvalidateAsync(_asked.Said);
        Decide();
    }

    private void Decide()
    {
        HttpResponse response = _context.Response;
        _cache.Position?.Tell(response.Headers, hasWritten: false);
        (StorePlan? plan, Reason unstored) = _cache.Storer.Plan(_asked, _context);
        // What stands for an answer that did not come is nobody's, and a moment's trouble is no reason to lose what may stand in for it.
        if (plan is not null && (IsUnreachable || (plan.Status >= 500 && Stored is { Status: < 500 }))) (plan, unstored) = (null, Reason.UnstoredStatus);
        _plan = plan;
        if (plan is null)
        {
            // An error, or a 304 to the client's own condition, says nothing about what others will be answered.
            if (unstored != Reason.UnstoredStatus) _collapsed?.Release();
            else EndOthersWait(response.StatusCode);
            Count(unstored);
        }
        else
        {
            TagWhole(plan, response);
            _recorder = RecorderFor(plan, response.ContentLength);
            plan.ClientHasIt = _conditionals.ClientHas(plan, _cache.Now);
            LetOthersIn(plan, response);
        }
        IHeaderDictionary headers = response.Headers;
        if (Key.Rule?.Rule.CacheControl is { } sent && plan is not null) headers.CacheControl = sent;
        Reason reason = Cause;
        bool failed = reason.Outcome() == Outcome.Error;
        headers[ResponseHeaders.XCache] = failed ? "ERROR" : "MISS";
        string detail = plan is null && !failed ? $"{reason.Name()}, {unstored.Name()}" : reason.Name();
        headers[ResponseHeaders.CacheStatusName] = StringValues.Concat(
            headers[ResponseHeaders.CacheStatusName],
            CacheStatus.Forwarded(Fwd, response.StatusCode, plan is not null, false, detail));
        if (plan?.ClientHasIt == true)
        {
            response.StatusCode = Statuses.Status304NotModified;
            response.ContentLength = null;
            headers.Remove("Content-Type");
        }
    }

    private ResponseRecorder RecorderFor(StorePlan plan, long? length)
    {
        if (_collapsed is null) return new(_cache.Budget, plan.MostBytes, length);
        if (length is > 0 and var announced && SharedRecorder.TryCreate(_cache.Budget, announced) is { } shared) return shared;
        return new(_cache.Budget, plan.MostBytes, length, _collapsed.Release);
    }

    /// <summary>What an ordinary request's failure was is everybody's, who waits for the same: the origin is not asked for each of them in turn.</summary>
    private void EndOthersWait(int status)
    {
        if (_collapsed is null) return;
        if (status >= 500 && OrdinaryRequest.Is(_context, _asked.Headers)) _collapsed.FailWith(status);
        else _collapsed.Dispose();
    }

    /// <summary>The headers have come: those who wait may read what follows, or know for what they wait.</summary>
    private void LetOthersIn(StorePlan plan, HttpResponse response)
    {
        if (_collapsed is null) return;
        if (_recorder is SharedRecorder shared)
        {
            _aborts.Share(shared, _collapsed.Dispose);
            _collapsed.BeginBody(_cache.Storer.Offer(plan, _asked, shared));
            return;
        }
        // An event stream has no end that is worth waiting for.
        if (response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true) _collapsed.Release();
        else _collapsed.BeginBody(null);
    }

    /// <summary>What is whole before it starts gets its entity tag at once: its first client can ask with it, too, or has it already.</summary>
    private void TagWhole(StorePlan plan, HttpResponse response)
    {
        if (plan.Facts.ETag is not null || plan.Status != Statuses.Status200OK || plan.Part is not null || _whole is not { Length: > 0 } whole) return;
        plan.Tag(ResponseStorer.TagOf([whole]));
        response.Headers.ETag = plan.Facts.ETag;
    }

    /// <summary>Stores what was recorded, if it is whole.</summary>
    private void Complete(TeeBody tee)
    {
        End(Cause);
        if (_plan is null || _recorder is not { } recorder) return;
        // A handler that saw its client leave may end early and quietly: without an announced length nobody can tell.
        bool isWhole = _plan.ContentLength is { } announced ? announced == tee.Written : !_aborts.Aborted && !tee.ClientLeft;
        Reason unstored = recorder.GaveUp != Reason.None ? recorder.GaveUp
            : !isWhole ? Reason.UnstoredIncomplete
            : TryStore(_plan, recorder);
        if (unstored != Reason.None) Count(unstored);
    }

    /// <summary>What HEAD answers is not stored, but says whether what GET has stored still holds (RFC 9111 §4.3.5).</summary>
    private async Task CompleteHeadAsync()
    {
        End(Cause);
        if (Stored is null || IsUnreachable || _context.Response.StatusCode != Statuses.Status200OK) return;
        IHeaderDictionary told = Copy(_context.Response.Headers);
        try
        {
            await _cache.Storer.FreshenByHeadAsync(Stored, told, _asked);
        }
        catch (Exception e)
        {
            Log.StoringFailed(_cache.LoggerOf(_context), e);
        }
    }

    /// <summary>The client has its answer: whatever fails here must not break it.</summary>
    private Reason TryStore(StorePlan plan, ResponseRecorder recorder)
    {
        try
        {
            return _cache.Storer.Store(plan, _asked, recorder.ToBody());
        }
        catch (Exception e)
        {
            Log.StoringFailed(_cache.LoggerOf(_context), e);
            return Reason.UnstoredIncomplete;
        }
    }

    /// <summary>Each call ends with one reason; what starts the response afterwards is no answer to this one.</summary>
    private void End(Reason reason)
    {
        _ended = true;
        Count(reason);
    }

    /// <summary>A refresh in the background is nobody's call and counts as none.</summary>
    private void Count(Reason reason)
    {
        if (_verdict.Next == State.Fetch) _cache.Count(reason);
    }

    private async Task DeliverInsteadAsync(bool validates)
    {
        StoredResponse stored = Stored!;
        Reason reason = Reason.StaleError;
        StringValues cookies = default;
        if (_instead == Instead.Confirmed && validates)
        {
            reason = Reason.Revalidated;
            _cache.Position?.Tell(_context.Response.Headers, hasWritten: false);
            // Cookies that come with a confirmation are for the client that asked; they are never stored.
            cookies = _context.Response.Headers.SetCookie;
            await _cache.InvalidateAsync(_asked.Said);
            stored = await _cache.Storer.FreshenAsync(stored, _context.Response.Headers, _asked);
        }
        // Others need not wait for this client to take its answer.
        if (reason == Reason.Revalidated) _collapsed?.Dispose();
        else _collapsed?.Fail(IsUnreachable);
        _asked.Before.Restore();
        if (cookies.Count > 0) _context.Response.Headers.SetCookie = cookies;
        End(reason);
        await StoredResponseWriter.WriteAsync(_context, stored, stored.AgeAt(_cache.Clock.Now), reason, _cache.Time);
    }

    /// <summary>The request as it came: what the application takes out of it or puts in is not what others ask with.</summary>
    private static HeaderDictionary Copy(IHeaderDictionary headers)
    {
        var copy = new HeaderDictionary(headers.Count);
        foreach ((string name, StringValues values) in headers) copy[name] = values;
        return copy;
    }
}
