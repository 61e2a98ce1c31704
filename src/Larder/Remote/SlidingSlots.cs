namespace Larder;

/// <summary>Lets the slots of values that slide live on while this node uses them: later, and nobody waits .</summary>
/// <remarks>
/// Invariants.
/// 1. Whatever changes holds <see cref="_gate"/>.
/// 2. A key is prolonged at most once for each quarter of its time, as long as it is among the last <see cref="MostKnown"/> to twice as many.
/// 3. At most <see cref="MostWaiting"/> wait and <see cref="MostAtOnce"/> are under way. What does not fit is left to its next use after a quarter.
/// 4. Only what was judged usable a moment ago is prolonged, by the identity that was judged.
/// </remarks>
internal sealed class SlidingSlots(IRemoteStore store, RemoteReads reads, CacheClock clock)
{
    private const int MostWaiting = 1000, MostAtOnce = 8, MostKnown = 10_000;

    private readonly Lock _gate = new();
    private readonly Queue<string> _waiting = new();
    /// <summary>From when on a key may be prolonged again.</summary>
    private Dictionary<string, long> _older = new(KeyComparer.Instance), _newer = new(KeyComparer.Instance);
    private int _atOnce;

    public bool IsIdle
    {
        get
        {
            lock (_gate) return _atOnce == 0;
        }
    }

    /// <summary>The value has been used on this node.</summary>
    public void Use(string key, TimeSpan window)
    {
        long now = clock.Now;
        lock (_gate)
        {
            if (_waiting.Count >= MostWaiting || (_newer.TryGetValue(key, out long due) || _older.TryGetValue(key, out due)) && now < due) return;
            if (_newer.Count >= MostKnown) (_older, _newer) = (_newer, new(KeyComparer.Instance));
            _newer[key] = CacheClock.After(now, SlidingValues.QuarterOf(CacheClock.After(0, window)));
            _waiting.Enqueue(key);
            if (_atOnce >= MostAtOnce) return;
            _atOnce++;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static slots => _ = slots.WorkAsync(), this, preferLocal: false);
    }

    private async Task WorkAsync()
    {
        while (true)
        {
            string? key;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out key))
                {
                    _atOnce--;
                    return;
                }
            }
            try
            {
                await ProlongAsync(key).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // A store that breaks its word; the slot has a quarter more, and the next use asks again.
            }
        }
    }

    private async ValueTask ProlongAsync(string key)
    {
        RemoteAnswer answer = await reads.ReadAsync(key, null, claims: true).ConfigureAwait(false);
        if (answer is not { Entry: { } entry, Claim: { } claim } || SlidingValues.In(entry) is not { } value) return;
        long life = SlidingValues.LifeOf(value, clock.Now);
        if (life > 0) await store.ProlongAsync(key, claim, TimeSpan.FromMilliseconds(life)).ConfigureAwait(false);
    }
}
