namespace Larder.Bench.Traces.Policies;

/// <summary>A count-min sketch of four-bit counters that halve after ten times as many accesses as there are entries (TinyLFU).</summary>
internal sealed class Sketch
{
    private const int Rows = 4;
    private const byte Most = 15;

    private readonly byte[] _counters;
    private readonly int _columns;
    private readonly int _period;
    private int _recorded;

    public Sketch(int entries)
    {
        _columns = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(entries, 16) * 4);
        _counters = new byte[Rows * _columns];
        _period = 10 * entries;
    }

    public int Of(int key)
    {
        int least = Most;
        for (int row = 0; row < Rows; row++) least = Math.Min(least, _counters[Place(key, row)]);
        return least;
    }

    public void Record(int key)
    {
        bool counted = false;
        for (int row = 0; row < Rows; row++)
        {
            ref byte counter = ref _counters[Place(key, row)];
            if (counter == Most) continue;
            counter++;
            counted = true;
        }
        if (!counted || ++_recorded < _period) return;
        for (int i = 0; i < _counters.Length; i++) _counters[i] >>= 1;
        _recorded /= 2;
    }

    private int Place(int key, int row)
    {
        ulong mixed = ((ulong)key + 1) * 0x9E3779B97F4A7C15 + (ulong)row * 0xD1B54A32D192ED03;
        mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9;
        return row * _columns + (int)(mixed >> 32 & (uint)(_columns - 1));
    }
}
