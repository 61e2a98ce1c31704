using System.Buffers;
using System.Security.Cryptography;

namespace Larder.Gateway.Hosting;

/// <summary>
/// Tells when the content of files has changed, by looking each second: events of file systems are lost over networks and
/// where links are swapped. What can't be read counts as content of its own, so that its return is a change, too. Content that is
/// not the same at the next look is still being written: half a file may look whole.
/// </summary>
internal sealed class FileWatch(IReadOnlyList<string> files, TimeProvider time)
{
    /// <summary>The time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Whatever is larger is refused by whoever reads it.</summary>
    private const int MaxBytes = 1 << 20;

    private byte[] _seen = Look(files);

    /// <summary>Calls back after each change until it is told to stop.</summary>
    public async Task RunAsync(Action changed, CancellationToken stop)
    {
        try
        {
            for (byte[] last = _seen; ;)
            {
                await Task.Delay(Interval, time, stop);
                byte[] now = Look(files);
                bool isSettled = now.AsSpan().SequenceEqual(last);
                last = now;
                if (!isSettled || now.AsSpan().SequenceEqual(_seen)) continue;
                _seen = now;
                changed();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private static byte[] Look(IReadOnlyList<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        foreach (string file in files) hash.AppendData(BitConverter.GetBytes(Append(file, hash, buffer)));
        ArrayPool<byte>.Shared.Return(buffer);
        return hash.GetHashAndReset();
    }

    /// <returns>The length as far as it was looked at; -1 where the file can't be read.</returns>
    private static int Append(string file, IncrementalHash hash, byte[] buffer)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            int length = 0;
            for (int read; length <= MaxBytes && (read = stream.Read(buffer)) > 0; length += read) hash.AppendData(buffer, 0, read);
            return length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }
}
