using System.Globalization;
using System.IO.Compression;

namespace Larder.Bench.Traces;

/// <summary>Traces from files: gzip text, one key (a whole number) a line, in order of access.</summary>
internal static class TraceFiles
{
    private const string Ending = ".trace.gz";

    public static IEnumerable<Trace> In(string directory) =>
        Directory.EnumerateFiles(directory, "*" + Ending).Order(StringComparer.Ordinal).Select(Read);

    private static Trace Read(string path)
    {
        using var text = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        var requests = new List<long>();
        for (int line = 1; text.ReadLine() is { } read; line++)
        {
            // A lone asterisk marks a change of process in some of the LIRS traces.
            if (string.IsNullOrWhiteSpace(read) || read == "*") continue;
            if (!long.TryParse(read, CultureInfo.InvariantCulture, out long key))
                throw new InvalidDataException($"{Path.GetFileName(path)}, line {line}: '{read}' is no whole number.");
            requests.Add(key);
        }
        return Trace.Of(Path.GetFileName(path)[..^Ending.Length], requests);
    }
}
