namespace Larder.AspNetCore;

/// <summary>
/// Keeps a copy of a body of announced length while it passes, for others to read while it grows: those who wait for the same answer, and its own client where that
/// must not hold the others up.
/// </summary>
/// <remarks>
/// Invariants. One writes, any number read, without a lock: a segment is filled before <see cref="Length"/> says so, and Length and the end are published before
/// whoever waits is woken. What is waited with is made before Length is looked at again, so no wake-up is lost. The whole length is taken from the budget at once:
/// a recording that others read never gives up in the middle.
/// </remarks>
internal sealed class SharedRecorder : ResponseRecorder
{
    private enum Ending
    {
        None,
        Whole,
        Broken,
    }

    private const int Deserted = -1;

    private readonly RecordingBudget _budget;
    private readonly byte[]?[] _segments;
    private long _length;
    private int _ending;
    /// <summary>How many read it; <see cref="Deserted"/> once nobody may come any more.</summary>
    private int _readers;
    private int _returned;
    private volatile bool _hasEnded;
    private TaskCompletionSource? _more;

    private SharedRecorder(RecordingBudget budget, long announced) : base(budget, announced, announced)
    {
        _budget = budget;
        Announced = announced;
        _segments = new byte[(announced + LargestSegment - 1) / LargestSegment][];
    }

    /// <summary>A recorder, if the budget has room for the whole body.</summary>
    public static SharedRecorder? TryCreate(RecordingBudget budget, long announced) => budget.TryTake(announced) ? new(budget, announced) : null;

    /// <summary>How long the body will be.</summary>
    public long Announced { get; }

    public override long Length => Volatile.Read(ref _length);

    /// <summary>Whether others read it.</summary>
    public bool HasReaders => Volatile.Read(ref _readers) > 0;

    /// <summary>Called when the last of the readers has left.</summary>
    public Action? LastLeft { get; set; }

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        if (Volatile.Read(ref _ending) != (int)Ending.None) return;
        long length = _length;
        if (bytes.Length > Announced - length) bytes = bytes[..(int)(Announced - length)];
        while (!bytes.IsEmpty)
        {
            (long index, long at) = Math.DivRem(length, LargestSegment);
            byte[] segment = _segments[index] ??= new byte[Math.Min(LargestSegment, Announced - length)];
            int part = Math.Min(bytes.Length, segment.Length - (int)at);
            bytes[..part].CopyTo(segment.AsSpan((int)at));
            bytes = bytes[part..];
            length += part;
        }
        Volatile.Write(ref _length, length);
        Wake();
    }

    /// <summary>Nothing more will come. Of several calls the first counts.</summary>
    public void End(bool isWhole)
    {
        if (Interlocked.CompareExchange(ref _ending, (int)(isWhole && Length == Announced ? Ending.Whole : Ending.Broken), (int)Ending.None) == (int)Ending.None) Wake();
    }

    /// <summary>Waits until there is more than <paramref name="at"/> bytes; false where there will not be.</summary>
    public async ValueTask<bool> HasMoreAsync(long at, CancellationToken cancellationToken)
    {
        while (Length <= at)
        {
            if (Volatile.Read(ref _ending) != (int)Ending.None) return Length > at;
            TaskCompletionSource more = Volatile.Read(ref _more) ?? NewSignal();
            if (Length <= at && Volatile.Read(ref _ending) == (int)Ending.None) await more.Task.WaitAsync(cancellationToken);
        }
        return true;
    }

    /// <summary>What is there from <paramref name="at"/> on, in one piece.</summary>
    public ReadOnlyMemory<byte> Piece(long at)
    {
        (long index, long from) = Math.DivRem(at, LargestSegment);
        byte[] segment = _segments[index]!;
        return segment.AsMemory((int)from, (int)Math.Min(segment.Length - from, Length - at));
    }

    /// <summary>Comes to read; false where that is too late, since whoever makes it has been told that nobody is left.</summary>
    public bool TryAddReader()
    {
        while (true)
        {
            int readers = Volatile.Read(ref _readers);
            if (readers == Deserted) return false;
            if (Interlocked.CompareExchange(ref _readers, readers + 1, readers) == readers) return true;
        }
    }

    public void RemoveReader()
    {
        if (Interlocked.Decrement(ref _readers) > 0) return;
        LastLeft?.Invoke();
        ReturnIfUnused();
    }

    /// <summary>Nobody may come any more, if nobody is there.</summary>
    public bool TryDesert() => Interlocked.CompareExchange(ref _readers, Deserted, 0) is 0 or Deserted;

    public override StoredBody ToBody() => new([.. _segments.Select(static segment => new ReadOnlyMemory<byte>(segment))]);

    public override void Dispose()
    {
        if (GaveUp == Reason.None && Length != Announced) GaveUp = Reason.UnstoredIncomplete;
        End(isWhole: false);
        _hasEnded = true;
        ReturnIfUnused();
    }

    /// <summary>The bytes are in flight as long as somebody reads them here.</summary>
    private void ReturnIfUnused()
    {
        if (_hasEnded && Volatile.Read(ref _readers) <= 0 && Interlocked.Exchange(ref _returned, 1) == 0) _budget.Return(Announced);
    }

    private TaskCompletionSource NewSignal()
    {
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Interlocked.CompareExchange(ref _more, made, null) ?? made;
    }

    private void Wake() => Interlocked.Exchange(ref _more, null)?.TrySetResult();
}

/// <summary>A body that is still being recorded, for those who read it meanwhile.</summary>
internal sealed class GrowingBody(SharedRecorder recorder) : StoredBody(recorder.Announced)
{
    /// <exception cref="IncompleteBodyException">It ended early.</exception>
    public override async Task WriteToAsync(System.IO.Pipelines.PipeWriter writer, long first, long length, CancellationToken cancellationToken)
    {
        for (long at = first, end = first + length; at < end;)
        {
            if (!await recorder.HasMoreAsync(at, cancellationToken)) throw new IncompleteBodyException();
            ReadOnlyMemory<byte> piece = recorder.Piece(at);
            if (piece.Length > end - at) piece = piece[..(int)(end - at)];
            System.IO.Pipelines.FlushResult flushed = await writer.WriteAsync(piece, cancellationToken);
            if (flushed.IsCompleted || flushed.IsCanceled) return;
            at += piece.Length;
        }
    }
}

/// <summary>A body that others read while it grew has ended early: whoever has begun to send it can't go on.</summary>
internal sealed class IncompleteBodyException() : IOException("The origin broke off the body.");
