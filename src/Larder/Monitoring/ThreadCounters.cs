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
///    collected, so a row knows whose it is: by number, for a reference from a thread's table would keep them alive.
/// </remarks>
internal sealed class ThreadCounters
{
    /// <summary>The thread's rows by place, apart from their keeper: one step less on the way to a row.</summary>
    [ThreadStatic]
    private static Row?[]? _rows;
    [ThreadStatic]
    private static Keeper? _keeper;

    private static long _made;

    private readonly long _number = Interlocked.Increment(ref _made);
    private readonly Place _ownPlace = new();
    private readonly int _place;
    private readonly Lock _gate = new();
    private readonly List<Row> _all = [];
    private readonly Stack<Row> _free = [];

    /// <summary>How many counters a row has.</summary>
    public const int Length = 96;

    public ThreadCounters()
    {
        _place = _ownPlace.Number;
    }

    [InlineArray(Length)]
    private struct Counts
    {
        private long _first;
    }

    private sealed class Row(ThreadCounters owner)
    {
        public readonly long OwnerNumber = owner._number;
        public readonly WeakReference<ThreadCounters> Owner = new(owner);
        public Counts Counts;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Increment(int index)
    {
        Row?[]? rows = _rows;
        int place = _place;
        if (rows is not null && (uint)place < (uint)rows.Length && rows[place] is { } row && row.OwnerNumber == _number) row.Counts[index]++;
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

    /// <summary>How many counters there were at once, at most, in this process.</summary>
    public static int Places => Place.Ever;

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
        Keeper keeper = _keeper ??= new();
        if (_place >= keeper.Rows.Length) Array.Resize(ref keeper.Rows, Math.Max(_place + 1, keeper.Rows.Length * 2));
        _rows = keeper.Rows;
        lock (_gate)
        {
            if (!_free.TryPop(out Row? row)) _all.Add(row = new(this));
            return keeper.Rows[_place] = row;
        }
    }

    private void Return(Row row)
    {
        lock (_gate) _free.Push(row);
    }

    /// <summary>Keeps the rows of one thread; it is collected some time after its thread has ended.</summary>
    private sealed class Keeper
    {
        public Row?[] Rows = new Row?[4];

        ~Keeper()
        {
            foreach (Row? row in Rows)
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

        public static int Ever
        {
            get
            {
                lock (Gate) return _next;
            }
        }

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
