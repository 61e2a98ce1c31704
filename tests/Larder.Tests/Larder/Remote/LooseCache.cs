using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder.Tests.Remote;

/// <summary>A store of others that promises nothing: calls fail, hang, block their thread, and take effect late or without an answer.</summary>
internal sealed class LooseCache(int seed, double faults) : IDistributedCache
{
    private readonly ConcurrentDictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private readonly Random _random = new(seed);

    public ConcurrentDictionary<string, byte[]> Values => _values;

    public DistributedCacheEntryOptions? LastOptions { get; private set; }

    public int Calls { get; private set; }

    /// <summary>What each call does first.</summary>
    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    public byte[]? Get(string key) => throw new NotSupportedException();

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => DoAsync(() => _values.GetValueOrDefault(key), token);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        LastOptions = options;
        return DoAsync(() => _values[key] = value, token);
    }

    public void Refresh(string key) => throw new NotSupportedException();

    public Task RefreshAsync(string key, CancellationToken token = default) => DoAsync(() => 0, token);

    public void Remove(string key) => throw new NotSupportedException();

    public Task RemoveAsync(string key, CancellationToken token = default) => DoAsync(() => _values.TryRemove(key, out _), token);

    private async Task<T> DoAsync<T>(Func<T> call, CancellationToken token)
    {
        Calls++;
        await Before(token);
        if (Happens(0.3)) throw new InvalidOperationException("refused");
        if (Happens(0.3))
        {
            _ = Task.Delay(5, CancellationToken.None).ContinueWith(_ => call(), TaskScheduler.Default);
            throw new TimeoutException("carried out all the same");
        }
        if (Happens(0.2)) Thread.Sleep(2);
        if (Happens(0.05)) await Task.Delay(Timeout.Infinite, token);
        if (Happens(0.2)) await Task.Delay(1, CancellationToken.None);
        T result = call();
        return Happens(0.2) ? throw new InvalidOperationException("not answered") : result;
    }

    private bool Happens(double share)
    {
        if (faults == 0) return false;
        lock (_random) return _random.NextDouble() < share * faults;
    }
}
