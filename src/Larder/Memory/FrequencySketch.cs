using System.Numerics;

namespace Larder;

/// <summary>
/// About how often a key was asked for lately: a count-min sketch of four-bit counters that are halved again and again
/// (TinyLFU, Einziger et al. 2017). Four counters a key, all within one word, so that a look is one access to memory.
/// </summary>
internal sealed class FrequencySketch
{
    private const int Most = 15;
    private const int Rows = 4;
    /// <summary>After so many records per entry everything is halved.</summary>
    private const int Period = 10;
    private const int Smallest = 64;
    private const int EntriesAWord = 2;
    private const int Largest = 1 << 24;

    private ulong[] _words = new ulong[Smallest];
    private int _entries = Smallest * EntriesAWord;
    private int _recorded;

    /// <summary>Makes room for about as many keys; what was recorded is forgotten where more is needed.</summary>
    public void Fit(int liveEntries)
    {
        if (liveEntries <= _entries || _words.Length == Largest) return;
        _words = new ulong[Math.Min(Largest, BitOperations.RoundUpToPowerOf2((uint)liveEntries) / EntriesAWord)];
        _entries = _words.Length * EntriesAWord;
        _recorded = 0;
    }

    /// <summary>0 to 15; seldom too much, never too little but for what was forgotten.</summary>
    public int Of(int hash)
    {
        ulong mixed = Mix(hash);
        ulong word = _words[WordOf(mixed)];
        int least = Most;
        for (int row = 0; row < Rows; row++) least = Math.Min(least, (int)(word >> ShiftOf(mixed, row)) & Most);
        return least;
    }

    public void Record(int hash, int times = 1)
    {
        ulong mixed = Mix(hash);
        ref ulong word = ref _words[WordOf(mixed)];
        for (int row = 0; row < Rows; row++)
        {
            int shift = ShiftOf(mixed, row);
            int count = (int)(word >> shift) & Most;
            word += (ulong)Math.Min(times, Most - count) << shift;
        }
        if ((_recorded += times) >= _entries * Period) Halve();
    }

    private void Halve()
    {
        foreach (ref ulong word in _words.AsSpan()) word = word >> 1 & 0x7777_7777_7777_7777;
        _recorded /= 2;
    }

    /// <summary>The lowest bit of one of the four counters of a row.</summary>
    private static int ShiftOf(ulong mixed, int row) => row * 16 + (int)(mixed >> row * 2 & 3) * 4;

    private int WordOf(ulong mixed) => (int)(mixed >> 32) & (_words.Length - 1);

    private static ulong Mix(int hash)
    {
        ulong mixed = (uint)hash * 0x9E37_79B9_7F4A_7C15;
        return (mixed ^ mixed >> 32) * 0xD6E8_FEB8_6659_FD93;
    }
}
