using System.Numerics;

namespace Larder;

/// <summary>
/// Remembers what left the small queue unused lately, about as many as there are live entries: fingerprints of hashes
/// with the time they left, in sets of four. A full set forgets its oldest, which only costs policy accuracy.
/// </summary>
internal sealed class GhostQueue
{
    private const int Ways = 4;
    private const int Smallest = 64;
    private const int Largest = 1 << 24;

    /// <summary>Fingerprint in the upper half, time in the lower; 0 is nobody.</summary>
    private uint[] _ghosts = new uint[Smallest];
    private int _remembered = Smallest;
    private int _serial;

    public void Remember(int hash, int liveEntries)
    {
        _remembered = Math.Clamp(liveEntries, Smallest, Largest);
        // Little is lost here: a cache fills before anything leaves its small queue.
        if (_remembered > _ghosts.Length * 3 / 2) _ghosts = new uint[BitOperations.RoundUpToPowerOf2(((uint)_remembered * 2 + 2) / 3)];
        _serial++;
        Span<uint> set = SetOf(hash);
        int oldest = 0;
        for (int way = 0; way < Ways; way++)
        {
            if (set[way] == 0)
            {
                oldest = way;
                break;
            }
            if (AgeOf(set[way]) > AgeOf(set[oldest])) oldest = way;
        }
        set[oldest] = FingerprintOf(hash) << 16 | Now;
    }

    /// <summary>Whether the hash was remembered; it no longer is.</summary>
    public bool Forget(int hash)
    {
        foreach (ref uint ghost in SetOf(hash))
        {
            if (ghost == 0 || ghost >> 16 != FingerprintOf(hash)) continue;
            bool recent = AgeOf(ghost) < Math.Max(_remembered / TicksEvery, 1);
            ghost = 0;
            return recent;
        }
        return false;
    }

    /// <summary>So many ghosts share one tick of the clock, which counts 2¹⁶ ticks: several times what is remembered.</summary>
    private int TicksEvery => Math.Max(1, _ghosts.Length >> 13);

    private uint Now => (ushort)(_serial / TicksEvery);

    private int AgeOf(uint ghost) => (ushort)(Now - ghost);

    /// <summary>Never 0.</summary>
    private static uint FingerprintOf(int hash) => (uint)hash >> 16 | 1;

    private Span<uint> SetOf(int hash) => _ghosts.AsSpan((int)((uint)hash * 0x9E37_79B1 >> 7) & (_ghosts.Length - 1) & ~(Ways - 1), Ways);
}
