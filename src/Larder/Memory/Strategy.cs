namespace Larder;

/// <summary>What decides which entry goes: each is the best where the others are bad.</summary>
internal enum Strategy : byte
{
    /// <summary>
    /// S3-FIFO (Yang et al., SOSP 2023): new entries pass a small queue that what is used once leaves soon. The best single
    /// one for most programs.
    /// </summary>
    Filter,
    /// <summary>New entries stay as long as any other, near to least recently used. For popularity that moves on.</summary>
    Recency,
    /// <summary>
    /// As TinyLFU (Einziger et al. 2017): a new entry stays only if its key was asked for more often than that of the one
    /// that would have to go. For loops, and for popularity that never changes.
    /// </summary>
    Frequency,
}
