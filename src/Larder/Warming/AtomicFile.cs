using System.Buffers;

namespace Larder;

/// <summary>Replaces a file so that at any moment, whenever the process ends, there is the old one or the new one.</summary>
internal static class AtomicFile
{
    private const string Suffix = ".tmp";
    private const int UniqueLength = 32;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
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

    /// <summary>What a process that was killed left behind; young ones may be another process's work, and other names are others' files.</summary>
    private static void RemoveAbandoned(string directory, string name)
    {
        try
        {
            foreach (string left in Directory.EnumerateFiles(directory, "*" + Suffix))
                if (IsBeside(Path.GetFileName(left), name) && DateTime.UtcNow - File.GetLastWriteTimeUtc(left) > Abandoned) Remove(left);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file has been replaced: that what is left can't be listed must not make a failure of it.
        }
    }

    /// <summary>Whether a name is one that <see cref="ReplaceAsync"/> gives: the file's, 32 hexadecimal digits in lower case, the suffix.</summary>
    private static bool IsBeside(string file, string name) =>
        file.Length == name.Length + 1 + UniqueLength + Suffix.Length
        && file.StartsWith(name, StringComparison.Ordinal) && file[name.Length] == '.' && file.EndsWith(Suffix, StringComparison.Ordinal)
        && file.AsSpan(name.Length + 1, UniqueLength).IndexOfAnyExcept(HexDigits) < 0;

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
