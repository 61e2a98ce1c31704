using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder;

/// <summary>Any <see cref="IDistributedCache"/> as the place of values, while the log stays in Redis .</summary>
/// <remarks>
/// Invariants.
/// 1. It compares nothing and has no identities, so it never says that a slot was removed or taken: every event of a key then goes to groups, by which each
///    node judges what is here by its stamp. Whatever is written here late, twice or over something newer is a miss or a value that no event covers.
/// 2. A call is waited for no longer than <see cref="_timeout"/>, whatever the cache does with its thread or its token. At most <see cref="MostUnderWay"/> are
///    under way, those that nobody waits for any more too; after <see cref="MostFailures"/> in a row that failed none is begun for a second.
/// 3. Nothing throws: what went wrong is an outcome.
/// </remarks>
internal sealed class DistributedCacheStore : IRemoteStore
{
    private const int MostUnderWay = 1000, MostFailures = 5, LongestKey = 200;
    private const long Rest = 1000;

    /// <summary>Everything that is here has it, and so has what is not.</summary>
    private static readonly UInt128 Constant = 1;

    private readonly IDistributedCache _cache;
    private readonly CacheClock _clock;
    private readonly TimeProvider _time;
    private readonly string _prefix;
    private readonly TimeSpan _timeout;
    private int _underWay, _failures;
    private long _restsUntil;

    /// <param name="cache">The store; other programs and caches may use it, too.</param>
    /// <param name="prefix">What its keys begin with.</param>
    /// <param name="timeout">How long a call of it may take; 250 ms where null.</param>
    internal DistributedCacheStore(IDistributedCache cache, CacheClock clock, TimeProvider time, string prefix = "larder:", TimeSpan? timeout = null) =>
        (_cache, _clock, _time, _prefix, _timeout) = (cache, clock, time, prefix, timeout ?? TimeSpan.FromMilliseconds(250));

    /// <summary>It has no clock that could be asked for, so instants are by that of whoever writes.</summary>
    private RemoteServer Server => new(Constant, ClockAnchor.Now(_time, _clock));

    public async ValueTask<SlotRead> ReadAsync(string key)
    {
        (bool isDone, byte[]? stored) = await RunAsync(token => _cache.GetAsync(NameOf(key), token)).ConfigureAwait(false);
        return new(isDone ? SlotOutcome.Done : SlotOutcome.Unknown, Server, Constant, MayReplace: isDone, stored);
    }

    /// <summary>There are no tickets: whoever misses may fill.</summary>
    public ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime) => ReadAsync(key);

    public async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        // Copied: it is the caller's only until this ends, which may be before the cache is done with it.
        byte[] bytes = stored.ToArray();
        DistributedCacheEntryOptions options = OptionsFor(bytes, lifetime);
        return await DoAsync(token => _cache.SetAsync(NameOf(key), bytes, options, token)).ConfigureAwait(false);
    }

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => DoAsync(token => _cache.RemoveAsync(NameOf(key), token));

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => DoAsync(token => _cache.RefreshAsync(NameOf(key), token));

    /// <summary>Nothing is here that could be taken; the event of the set removes what is.</summary>
    public ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => new(new SlotRead(SlotOutcome.Refused, Server, 0, MayReplace: false, default));

    /// <summary>Removes what is here, as well as that can be done; a value that is on its way may come after it.</summary>
    public async ValueTask<SlotOutcome> UnlinkAsync(string key)
    {
        await DoAsync(token => _cache.RemoveAsync(NameOf(key), token)).ConfigureAwait(false);
        return SlotOutcome.Refused;
    }

    /// <summary>A value with the stamp of its own event: another set or removal is newer than it or covered by it, whichever is written last.</summary>
    public SlotClaim ClaimOf(Position place) => new(Constant, Server, place);

    /// <summary>One that slides is one for the cache, too: it is stored with an end that lies behind its lifetime.</summary>
    private DistributedCacheEntryOptions OptionsFor(byte[] stored, TimeSpan lifetime)
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        bool isRead = WireFormat.ReadHead(stored.AsMemory(RemoteReads.ServerBytes), new(stored.Length, int.MaxValue), out WireEntry entry) == WireOutcome.Done;
        if (!isRead || entry.Type != SlidingValues.TypeName || entry.FreshUntil - now <= lifetime.TotalMilliseconds) return new() { AbsoluteExpirationRelativeToNow = lifetime };
        return new() { SlidingExpiration = lifetime, AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(Math.Min(entry.FreshUntil - now, RemoteWrites.LongestLife)) };
    }

    private string NameOf(string key) => key.Length <= LongestKey ? $"{_prefix}e:{key}" : $"{_prefix}h:{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan())))}";

    private async ValueTask<SlotOutcome> DoAsync(Func<CancellationToken, Task> call)
    {
        (bool isDone, _) = await RunAsync(async token =>
        {
            await call(token).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return isDone ? SlotOutcome.Done : SlotOutcome.Unknown;
    }

    private async ValueTask<(bool IsDone, T? Result)> RunAsync<T>(Func<CancellationToken, Task<T>> call)
    {
        if (_clock.Now < Volatile.Read(ref _restsUntil)) return default;
        if (Interlocked.Increment(ref _underWay) > MostUnderWay)
        {
            Interlocked.Decrement(ref _underWay);
            return default;
        }
        var limit = new CancellationTokenSource(_timeout, _time);
        CancellationToken token = limit.Token;
        // On another thread: nobody knows whether the cache gives back the one it is called on.
        Task<T> running = Task.Run(() => call(token), CancellationToken.None);
        _ = running.ContinueWith(ended =>
        {
            _ = ended.Exception;
            limit.Dispose();
            Interlocked.Decrement(ref _underWay);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            T result = await running.WaitAsync(_timeout, _time, CancellationToken.None).ConfigureAwait(false);
            Volatile.Write(ref _failures, 0);
            return (true, result);
        }
        catch (Exception)
        {
            if (Interlocked.Increment(ref _failures) >= MostFailures) Volatile.Write(ref _restsUntil, _clock.Now + Rest);
            return default;
        }
    }
}
