namespace Larder;

/// <summary>Which living cache of this process writes its snapshot where: two with one file would remove and overwrite each other's.</summary>
/// <remarks>
/// Invariants.
/// 1. Whatever touches the claims holds <see cref="Gate"/>.
/// 2. A path belongs to one cache, from when it is made until it is disposed or collected: a claim does not keep it alive.
/// </remarks>
internal static class SnapshotPaths
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, WeakReference<LarderCache>> Claims = new(
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

    /// <summary>Claims the path of the cache's options, if they name one.</summary>
    /// <exception cref="ArgumentException">Another living cache has it.</exception>
    public static void Claim(LarderCache cache)
    {
        if (cache.Options.Snapshot.Path is not { } path) return;
        path = Path.GetFullPath(path);
        lock (Gate)
        {
            foreach ((string gone, _) in Claims.Where(claim => !claim.Value.TryGetTarget(out _)).ToArray()) Claims.Remove(gone);
            if (Claims.TryAdd(path, new(cache))) return;
        }
        string of = cache.Name.Length == 0 ? "" : $"Cache '{cache.Name}': ";
        throw new ArgumentException($"{of}Snapshot.Path is {path}, where another cache of this process keeps its snapshot; each needs a file of its own.");
    }

    public static void Release(LarderCache cache)
    {
        lock (Gate)
        {
            foreach ((string path, _) in Claims.Where(claim => claim.Value.TryGetTarget(out LarderCache? owner) && ReferenceEquals(owner, cache)).ToArray())
                Claims.Remove(path);
        }
    }
}
