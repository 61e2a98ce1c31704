using System.Numerics;

namespace Larder;

/// <summary>
/// Remembers the hashes of what left the small queue lately, about as many as there are live entries. A fixed table
/// of (hash, serial number): a collision forgets the older one, which only costs policy accuracy.
/// </summary>
internal sealed class GhostQueue
{
    private const int Smallest = 256;
    private const int Largest = 1 << 20;

    private readonly record struct Ghost(int Hash, int Serial);

    private Ghost[] _table = new Ghost[Smallest];
    private int _serial;
    private int _remembered = Smallest / 2;

    public void Remember(int hash, int liveEntries)
    {
        _remembered = Math.Clamp(liveEntries, Smallest / 2, Largest / 2);
        if (_table.Length < _remembered * 2 && _table.Length < Largest) Grow();
        // Serial 0 marks an empty place.
        if (++_serial == 0) _serial = 1;
        _table[hash & (_table.Length - 1)] = new(hash, _serial);
    }

    /// <summary>Whether the hash was remembered; it no longer is.</summary>
    public bool Forget(int hash)
    {
        ref Ghost place = ref _table[hash & (_table.Length - 1)];
        if (place.Serial == 0 || place.Hash != hash) return false;
        bool recent = unchecked(_serial - place.Serial) < _remembered;
        place = default;
        return recent;
    }

    private void Grow()
    {
        Ghost[] old = _table;
        _table = new Ghost[BitOperations.RoundUpToPowerOf2((uint)_remembered * 2)];
        foreach (Ghost ghost in old)
            if (ghost.Serial != 0) _table[ghost.Hash & (_table.Length - 1)] = ghost;
    }
}
