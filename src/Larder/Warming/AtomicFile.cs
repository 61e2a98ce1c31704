namespace Larder;

/// <summary>Replaces a file so that at any moment, whenever the process ends, there is the old one or the new one.</summary>
internal static class AtomicFile
{
    private const string Suffix = ".tmp";
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    /// <summary>
    /// Writes beside the file, to disk, and then renames. Each call writes to a file of its own, so that two processes
    /// with one path never write into one another's. Readable and writable by its owner only.
    /// </summary>
    /// <exception cref="IOException">The file system refused; the old file is untouched.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static async Task<T> ReplaceAsync<T>(string path, Func<Stream, Task<T>> write)
    {
        path = Path.GetFullPath(path);
        string directory = Path.GetDirectoryName(path) ?? throw new IOException($"{path} is no file.");
        Directory.CreateDirectory(directory);
        string beside = $"{path}.{Guid.NewGuid():N}{Suffix}";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            T result;
            await using (var stream = new FileStream(beside, options))
            {
                result = await write(stream).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
            RemoveAbandoned(directory, Path.GetFileName(path));
            return result;
        }
        catch
        {
            Remove(beside);
            throw;
        }
    }

    /// <summary>What a process that was killed left behind; young ones may be another process's work.</summary>
    private static void RemoveAbandoned(string directory, string name)
    {
        foreach (string left in Directory.EnumerateFiles(directory, $"{name}.*{Suffix}"))
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(left) > Abandoned) Remove(left);
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way: the next one has another name.
        }
    }
}
