using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>
/// A row of counters that any number of threads raise without disturbing each other and without an interlocked
/// operation: each thread has a row of its own, and reading adds the rows up.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Only its thread writes to a row, so nothing is lost. A sum is exact for what happened before it in the reader's
///    order.
/// 2. A row outlives its thread and goes to the next thread that needs one: there are as many as there were threads at
///    once, and what was counted stays counted.
/// 3. A thread finds its row by the place of the counters in its table. Places are used again when counters are
///    collected, so a row names its owner.
/// </remarks>
internal sealed class ThreadCounters
{
    [ThreadStatic]
    private static ThreadRows? _ofThread;

    private readonly Place _identity;
    private readonly int _place;
    private readonly Lock _gate = new();
    private readonly List<Row> _all = [];
    private readonly Stack<Row> _free = [];

    /// <summary>How many counters a row has.</summary>
    public const int Length = 96;

    public ThreadCounters()
    {
        _identity = new();
        _place = _identity.Number;
    }

    [InlineArray(Length)]
    private struct Counts
    {
        private long _first;
    }

    private sealed class Row(ThreadCounters owner)
    {
        public readonly object Identity = owner._identity;
        public readonly WeakReference<ThreadCounters> Owner = new(owner);
        public Counts Counts;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Increment(int index)
    {
        Row?[]? rows = _ofThread?.ByPlace;
        int place = _place;
        if (rows is not null && (uint)place < (uint)rows.Length && rows[place] is { } row && ReferenceEquals(row.Identity, _identity)) row.Counts[index]++;
        else OwnRow().Counts[index]++;
    }

    public long this[int index]
    {
        get
        {
            long sum = 0;
            lock (_gate)
                foreach (Row row in _all) sum += Volatile.Read(ref row.Counts[index]);
            return sum;
        }
    }

    /// <summary>How many threads had a row at once, at most.</summary>
    public int Rows
    {
        get
        {
            lock (_gate) return _all.Count;
        }
    }

    private Row OwnRow()
    {
        ThreadRows rows = _ofThread ??= new();
        int place = _place;
        if (place >= rows.ByPlace.Length) Array.Resize(ref rows.ByPlace, Math.Max(place + 1, rows.ByPlace.Length * 2));
        lock (_gate)
        {
            if (!_free.TryPop(out Row? row)) _all.Add(row = new(this));
            return rows.ByPlace[place] = row;
        }
    }

    private void Return(Row row)
    {
        lock (_gate) _free.Push(row);
    }

    /// <summary>The rows of one thread; it is collected some time after its thread has ended.</summary>
    private sealed class ThreadRows
    {
        public Row?[] ByPlace = new Row?[4];

        ~ThreadRows()
        {
            foreach (Row? row in ByPlace)
                if (row is not null && row.Owner.TryGetTarget(out ThreadCounters? owner)) owner.Return(row);
        }
    }

    /// <summary>A number that no other living counters have.</summary>
    private sealed class Place
    {
        private static readonly Lock Gate = new();
        private static readonly PriorityQueue<int, int> Free = new();
        private static int _next;

        public readonly int Number;

        public Place()
        {
            lock (Gate) Number = Free.TryDequeue(out int free, out _) ? free : _next++;
        }

        ~Place()
        {
            lock (Gate) Free.Enqueue(Number, Number);
        }
    }
}
