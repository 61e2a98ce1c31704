namespace Larder;

/// <summary>What a file turned out to be when a snapshot was to be read from it.</summary>
public enum SnapshotOutcome : byte
{
    /// <summary>A whole snapshot; its entries were loaded.</summary>
    Loaded,
    /// <summary>There is no file.</summary>
    Absent,
    /// <summary>It is no snapshot, another program's, or one that others than its owner may write.</summary>
    Foreign,
    /// <summary>It was written by a version of Larder whose format this one does not know.</summary>
    OtherVersion,
    /// <summary>It is larger than allowed.</summary>
    TooLarge,
    /// <summary>It is cut or broken. What stood before the damage was loaded, each entry with a checksum of its own.</summary>
    Damaged,
    /// <summary>The file system refused: it could not be read, or not be removed though it may be read only once.</summary>
    Unreadable,
}

/// <summary>What was saved.</summary>
/// <param name="Entries">Entries in the file.</param>
/// <param name="Skipped">Entries that can't be written: values kept as instances whose type has no serializer.</param>
/// <param name="LeftOut">Entries for which the file would have been too large; the hottest ones are in it.</param>
/// <param name="Bytes">Size of the file.</param>
public sealed record SnapshotSaved(int Entries, int Skipped, int LeftOut, long Bytes);

/// <summary>What was loaded.</summary>
/// <param name="Outcome">What the file was.</param>
/// <param name="Entries">Entries that are now in memory.</param>
/// <param name="Expired">Entries whose time was over.</param>
/// <param name="Skipped">Entries that were not taken: the key is in memory already or was invalidated meanwhile, there is no room, or they are over a limit.</param>
public sealed record SnapshotLoaded(SnapshotOutcome Outcome, int Entries, int Expired, int Skipped);
