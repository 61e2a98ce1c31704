using System.Collections.Concurrent;

namespace Larder.AspNetCore;

/// <summary>
/// Requests whose answer others wait for: one request to the origin for many clients.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Whoever waits judges again: afterwards, from Receive on, by what stands in the store for its own request; or, at the headers, by what will stand there
///    (<see cref="GrowingResponse"/>), if that is for its own request and nothing has overtaken it. So no user gets another's and nothing outlives an invalidation.
/// 2. The waiting end when the answer is stored, when it turns out not to be storable (at its headers), or when the
///    first request ends in any other way.
/// 3. A key whose answer was not storable is not waited for again for a while: such requests must not queue up. What
///    one request's credentials or conditions brought about says nothing of requests without them.
/// </remarks>
internal sealed class CollapsedRequests(TimeProvider time)
{
    private const int Remembered = 4096;
    private const long RememberedFor = 10_000;

    /// <summary>
    /// How long a body is waited for once it has begun: it passes at the pace of the first client, who may be slow on
    /// purpose.
    /// </summary>
    private static readonly TimeSpan BodyPatience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, CollapsedRequest> _underWay = new(KeyComparer.Instance);
    private readonly (int Hash, long Until)[] _unstorable = new (int, long)[Remembered];
    private readonly Lock _remembering = new();
    private readonly CacheClock _clock = new(time);

    public int UnderWay => _underWay.Count;

    /// <summary>Becomes the first for the key (the result is not null), finds the first, or neither.</summary>
    public CollapsedRequest? Join(string key, bool hasCredentials, out CollapsedRequest? leader)
    {
        leader = null;
        int kind = KindOf(key, hasCredentials);
        if (WasUnstorable(kind)) return null;
        var own = new CollapsedRequest(this, key, kind);
        CollapsedRequest first = _underWay.GetOrAdd(key, own);
        if (ReferenceEquals(first, own)) return own;
        leader = first;
        return null;
    }

    /// <summary>Waits until the answer's headers have come; false when the client has left.</summary>
    public static async Task<bool> WaitForHeadersAsync(CollapsedRequest leader, CancellationToken cancellationToken)
    {
        await leader.BodyBegun.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !cancellationToken.IsCancellationRequested;
    }

    /// <summary>Waits until the answer is stored or will not be; false when that takes too long, or the client has left.</summary>
    public async Task<bool> WaitForAsync(CollapsedRequest leader, CancellationToken cancellationToken)
    {
        try
        {
            await leader.Ended.WaitAsync(BodyPatience, time, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Whether the last answer for the key was not storable, and that was not long ago.</summary>
    public bool WasUnstorable(string key, bool hasCredentials) => WasUnstorable(KindOf(key, hasCredentials));

    public void Remove(CollapsedRequest request) => _underWay.TryRemove(new(request.Key, request));

    public void RememberUnstorable(int hash)
    {
        lock (_remembering) _unstorable[hash & (Remembered - 1)] = (hash, _clock.Now + RememberedFor);
    }

    private static int KindOf(string key, bool hasCredentials) => KeyComparer.Hash(key) ^ (hasCredentials ? 1 : 0);

    private bool WasUnstorable(int hash)
    {
        lock (_remembering)
        {
            (int known, long until) = _unstorable[hash & (Remembered - 1)];
            return known == hash && _clock.Now < until;
        }
    }
}

/// <summary>The request that asks the origin while others wait.</summary>
internal sealed class CollapsedRequest(CollapsedRequests table, string key, int kind) : IDisposable
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _bodyBegun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Key => key;

    /// <summary>The answer's headers have come, and it will be stored, or the request has ended.</summary>
    public Task BodyBegun => _bodyBegun.Task;

    public Task Ended => _ended.Task;

    /// <summary>What may be read while it arrives; null where it has to be waited for.</summary>
    public GrowingResponse? Growing { get; private set; }

    public void BeginBody(GrowingResponse? growing)
    {
        Growing = growing;
        _bodyBegun.TrySetResult();
    }

    /// <summary>The origin failed, and something stale stood in; whether it did not answer at all.</summary>
    public bool? Unreachable { get; private set; }

    /// <summary>What is stored may stand in for the others as well: each asking by itself would only wait for the same failure.</summary>
    public void Fail(bool unreachable)
    {
        Unreachable = unreachable;
        Dispose();
    }

    /// <summary>The status with which the origin failed, where nothing stands in for it.</summary>
    public int? FailedStatus { get; private set; }

    /// <summary>The origin failed, and not because of anything odd in the request: those who wait would only fail as well, one after the other.</summary>
    public void FailWith(int status)
    {
        FailedStatus = status;
        Dispose();
    }

    /// <summary>The answer will not be stored: nobody should wait for it, now or soon.</summary>
    public void Release()
    {
        table.RememberUnstorable(kind);
        Dispose();
    }

    public void Dispose()
    {
        table.Remove(this);
        _ended.TrySetResult();
        _bodyBegun.TrySetResult();
    }
}
