using System.Numerics;

namespace Larder;

/// <summary>
/// The size of the tables in which keys share places by hash. Two keys disturb each other with a chance of one in the
/// number of places, whatever the number of entries: a small cache under many writes needs as many as a large one.
/// </summary>
internal static class HashPlaces
{
    private const int Fewest = 1 << 14;
    private const int Most = 1 << 18;

    /// <summary>A power of two: 128 KB of eight-byte places for small caches, 2 MB for the largest.</summary>
    public static int CountFor(int maxEntries) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxEntries, Fewest, Most));
}
