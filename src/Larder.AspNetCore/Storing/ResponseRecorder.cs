namespace Larder.AspNetCore;

/// <summary>How many bytes may be recorded at once, over all responses: what is in flight is bounded, too.</summary>
internal sealed class RecordingBudget(long limit)
{
    private long _used;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit) return true;
        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

/// <summary>
/// Keeps a copy of a body while it passes. It gives up, once and for all, when the body grows over its limit or the
/// budget is used up; the passing body is not affected.
/// </summary>
internal class ResponseRecorder(RecordingBudget budget, long maxBytes, long? expected, Action? gaveUp = null) : IDisposable
{
    private const int FirstSegment = 4096;
    protected const int LargestSegment = 64 * 1024;

    private readonly List<byte[]> _full = [];
    private byte[] _segment = [];
    private int _used;
    private long _taken;

    public virtual long Length { get; private set; }

    /// <summary>Why recording ended early; <see cref="Reason.None"/> while it goes on. What is written after its end is not kept.</summary>
    public Reason GaveUp { get; protected set; }

    public virtual void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && GaveUp == Reason.None)
        {
            if (_used == _segment.Length && !TryGrow(bytes.Length)) return;
            int part = Math.Min(bytes.Length, _segment.Length - _used);
            bytes[..part].CopyTo(_segment.AsSpan(_used));
            _used += part;
            Length += part;
            bytes = bytes[part..];
        }
    }

    /// <summary>The recorded body: one exact array when it is small, otherwise the segments as they are.</summary>
    public virtual StoredBody ToBody()
    {
        if (Length == 0) return StoredBody.Empty;
        if (_full.Count == 0) return new([_used == _segment.Length ? _segment : _segment.AsSpan(0, _used).ToArray()]);
        if (Length <= LargestSegment) return new([Joined()]);
        return new([.. _full.Select(segment => new ReadOnlyMemory<byte>(segment)), _segment.AsSpan(0, _used).ToArray()]);
    }

    public virtual void Dispose()
    {
        if (GaveUp == Reason.None) GaveUp = Reason.UnstoredIncomplete;
        budget.Return(_taken);
        _taken = 0;
        _full.Clear();
        _segment = [];
        _used = 0;
    }

    private bool TryGrow(int wanted)
    {
        long left = maxBytes - Length;
        if (left < wanted)
        {
            GiveUp(Reason.UnstoredTooLarge);
            return false;
        }
        long size = expected is { } total && total - Length > 0
            ? Math.Min(total - Length, LargestSegment)
            : Math.Clamp(Math.Max(Length, wanted), FirstSegment, LargestSegment);
        size = Math.Min(size, left);
        if (!budget.TryTake(size))
        {
            GiveUp(Reason.UnstoredBudget);
            return false;
        }
        if (_used > 0) _full.Add(_segment);
        _segment = new byte[size];
        _used = 0;
        _taken += size;
        return true;
    }

    private void GiveUp(Reason reason)
    {
        GaveUp = reason;
        Dispose();
        gaveUp?.Invoke();
    }

    private byte[] Joined()
    {
        var whole = new byte[Length];
        int at = 0;
        foreach (byte[] segment in _full)
        {
            segment.CopyTo(whole, at);
            at += segment.Length;
        }
        _segment.AsSpan(0, _used).CopyTo(whole.AsSpan(at));
        return whole;
    }
}
