using System.Diagnostics;

namespace Larder.Tests.Remote;

/// <summary>A server of Redis as far as the tier uses it: slots, the log with its scripts, restarts with what an older dump held.</summary>
internal sealed class ModelRedis
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(1);
    private Dictionary<string, (UInt128 Identity, byte[] Stored)> _slots = [];
    private List<(long Ordinal, EventField[] Fields)>[] _streams = [[], []];
    private (ulong Epoch, UInt128 Server, long Last, long Groups, long Keys) _state;
    private Action? _older;
    /// <summary>When slots end, of those whose lifetime counts.</summary>
    private readonly Dictionary<string, long> _ends = [];

    public UInt128 Server { get; private set; } = 1;

    /// <summary>The broken variant: a result replaces whatever is in the slot.</summary>
    public bool ComparesNoClaims { get; init; }

    /// <summary>Its clock; a running one where there is none.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>Another kind of clock; where one is given, lifetimes of slots count by it.</summary>
    public Func<long>? Clock { get; init; }

    public long Now => Clock?.Invoke() ?? (Time is not null ? Time.GetUtcNow().ToUnixTimeMilliseconds() : Stopwatch.GetTimestamp() * 1000 / Stopwatch.Frequency + 1_000_000_000);

    public int Epochs { get; private set; }

    public ModelLeases Leases { get; init; } = new();

    public T Run<T>(Func<ModelRedis, T> script)
    {
        lock (_gate) return script(this);
    }

    public (UInt128 Identity, byte[] Stored) Get(string key)
    {
        if (_ends.TryGetValue(key, out long end) && Now >= end) Unlink(key);
        return _slots.GetValueOrDefault(key);
    }

    /// <summary>Milliseconds that a slot has left.</summary>
    public long LeftOf(string key) => Get(key).Identity == 0 ? 0 : _ends[key] - Now;

    public void Expire(string key, TimeSpan lifetime)
    {
        if (Clock is not null) _ends[key] = Now + (long)lifetime.TotalMilliseconds;
    }

    public bool Prolong(string key, UInt128 identity, TimeSpan lifetime)
    {
        if (Get(key).Identity is var seen && (seen == 0 || seen != identity)) return false;
        if (LeftOf(key) < lifetime.TotalMilliseconds) Expire(key, lifetime);
        return true;
    }

    public (UInt128 Identity, byte[] Stored) SetNxGet(string key)
    {
        if (Get(key).Identity == 0) return _slots[key] = (NewIdentity(), []);
        return _slots[key];
    }

    public UInt128 SetTicket(string key) => (_slots[key] = (NewIdentity(), [])).Identity;

    public bool Replace(string key, UInt128 identity, byte[]? stored)
    {
        if (!ComparesNoClaims && (Get(key).Identity is var seen && (seen == 0 || seen != identity))) return false;
        if (stored is null) _slots.Remove(key);
        else _slots[key] = (NewIdentity(), stored);
        return true;
    }

    public void Unlink(string key)
    {
        _slots.Remove(key);
        _ends.Remove(key);
    }

    /// <summary>The state, of a new epoch where it belongs to nobody or to another server.</summary>
    public RemoteState State()
    {
        if (_state.Epoch == 0 || _state.Server != Server)
        {
            _state = ((ulong)_random.NextInt64(1, long.MaxValue), Server, 0, 0, 0);
            _streams = [[], []];
            Epochs++;
        }
        return new(_state.Epoch, _state.Last, _state.Groups, _state.Keys);
    }

    public long Append(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields)
    {
        if (_state.Epoch != epoch || _state.Server != Server) return 0;
        long ordinal = ++_state.Last;
        _streams[(int)stream].Add((ordinal, [.. fields, .. RemoteEventCodec.EncodePlace(epoch, _state.Groups, _state.Keys, Now)]));
        if (stream == RemoteStream.Groups) _state.Groups = ordinal;
        else _state.Keys = ordinal;
        return ordinal;
    }

    public List<RemoteEvent> Read(RemoteStream stream, long after, int most) =>
        [.. _streams[(int)stream].Where(e => e.Ordinal > after).Take(most).Select(e => RemoteEventCodec.Decode(stream, e.Ordinal, e.Fields))];

    /// <summary>Forgets the oldest events.</summary>
    public void Trim(RemoteStream stream, int left) => _streams[(int)stream].RemoveRange(0, Math.Max(0, _streams[(int)stream].Count - left));

    public void Evict()
    {
        if (_slots.Count > 0) _slots.Remove(_slots.Keys.ElementAt(_random.Next(_slots.Count)));
    }

    /// <summary>Makes a dump, which a later restart comes back with.</summary>
    public void Dump()
    {
        var slots = new Dictionary<string, (UInt128, byte[])>(_slots);
        List<(long, EventField[])>[] streams = [[.. _streams[0]], [.. _streams[1]]];
        var state = _state;
        _older = () => (_slots, _streams, _state) = (new(slots), [[.. streams[0]], [.. streams[1]]], state);
    }

    public void Restart()
    {
        _older?.Invoke();
        Server++;
    }

    private UInt128 NewIdentity() => new((ulong)_random.NextInt64(), (ulong)_random.NextInt64(1, long.MaxValue));
}
