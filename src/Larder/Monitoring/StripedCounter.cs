using System.Runtime.InteropServices;

namespace Larder;

/// <summary>A counter that many threads raise without fighting over one cache line.</summary>
internal sealed class StripedCounter
{
    private static readonly int Mask = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) * 2 - 1;

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)] public long Value;
    }

    private readonly Cell[] _cells = new Cell[Mask + 1];

    public long Value
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _cells.Length; i++) sum += Volatile.Read(ref _cells[i].Value);
            return sum;
        }
    }

    public void Increment() => Interlocked.Increment(ref _cells[Environment.CurrentManagedThreadId & Mask].Value);
}
