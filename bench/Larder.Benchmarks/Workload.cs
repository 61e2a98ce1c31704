using System.Globalization;

namespace Larder.Benchmarks;

/// <summary>Keys and the order in which they are asked for; the same in every run.</summary>
internal static class Workload
{
    /// <summary>Operations of one invocation: one pass over the access order.</summary>
    public const int Operations = 1 << 16;

    public const int Entries = 10_000;

    private const double Exponent = 0.99;

    /// <summary>Keys of 40 characters that differ at their end, as keys of one program do.</summary>
    public static string[] Keys(int count, string kind = "tenant") =>
        [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{kind}:eu-west:customer:profile:{i:D10}").PadRight(40, '#'))];

    /// <summary>
    /// A zipf-distributed walk over the keys. The strings are equal to the stored keys but other instances, as they are
    /// where a program puts its key together for each call: no cache may win by comparing references.
    /// </summary>
    public static string[] ZipfOrder(string[] keys, int length = Operations)
    {
        var random = new Random(20_260);
        string[] copies = [.. keys.Select(key => new string(key.AsSpan()))];
        random.Shuffle(copies); // the popular ones are not the ones that were stored first
        double[] cumulative = new double[copies.Length];
        double sum = 0;
        for (int rank = 0; rank < copies.Length; rank++) cumulative[rank] = sum += 1 / Math.Pow(rank + 1, Exponent);
        string[] order = new string[length];
        for (int i = 0; i < length; i++)
        {
            int rank = Array.BinarySearch(cumulative, random.NextDouble() * sum);
            order[i] = copies[Math.Min(rank < 0 ? ~rank : rank, copies.Length - 1)];
        }
        return order;
    }
}
