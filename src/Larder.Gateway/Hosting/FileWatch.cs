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
        foreach (string file in files)
        {
            try
            {
                using FileStream stream = File.OpenRead(file);
                // Whatever is larger is refused by whoever reads it.
                var bytes = new byte[(1 << 20) + 1];
                int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
                hash.AppendData(BitConverter.GetBytes(length));
                hash.AppendData(bytes, 0, length);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                hash.AppendData(BitConverter.GetBytes(-1));
            }
        }
        return hash.GetHashAndReset();
    }
}
