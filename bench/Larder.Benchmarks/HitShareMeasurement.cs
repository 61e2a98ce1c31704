using System.Globalization;

namespace Larder.Benchmarks;

/// <summary>How well the bound is kept: the share of hits of the mixed workload, which its time alone does not show.</summary>
internal static class HitShareMeasurement
{
    private const int Passes = 32;

    public static int Run(TextWriter output)
    {
        var mixed = new MixedBenchmarks();
        mixed.Setup();
        output.WriteLine("| mixed, 100,000 keys, capacity 10,000 | hits, % of reads |");
        output.WriteLine("|---|---:|");
        Measure("Larder", mixed.MixedLarder);
        Measure("MemoryCache", mixed.MixedMemoryCache);
        mixed.Cleanup();
        return 0;

        void Measure(string name, Func<int> walk) =>
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {100 * MixedBenchmarks.HitShare(walk, Passes):F1} |"));
    }
}
