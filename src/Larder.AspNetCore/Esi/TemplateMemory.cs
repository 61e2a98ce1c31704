namespace Larder.AspNetCore;

/// <summary>
/// Which URLs were templates when they were last asked for, by hash and as far as there is room. Their conditions and ranges are taken out from the start,
/// so that they need not be asked twice, and an origin that says 304 without saying ESI is not asked for that. Two that share a place forget each other.
/// </summary>
internal sealed class TemplateMemory
{
    private const int Places = 4096;

    private readonly int[] _hashes = new int[Places];

    public bool Knows(int hash) => Volatile.Read(ref _hashes[hash & (Places - 1)]) == hash;

    public void Note(int hash, bool isTemplate)
    {
        ref int place = ref _hashes[hash & (Places - 1)];
        if (isTemplate) Volatile.Write(ref place, hash);
        else Interlocked.CompareExchange(ref place, 0, hash);
    }
}
