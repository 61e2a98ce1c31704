using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Larder.Benchmarks;

/// <summary>
/// Runs the benchmarks of a category in short turns, so that whatever else the machine does meets all of them alike, and
/// reports the median of the ratios to the baseline of the same round. Each turn begins after a full collection, so that
/// nobody pays for another's garbage, and is long enough to pay for its own.
/// </summary>
internal static class PairedMeasurement
{
    // Tiered compilation needs calls, then time in which its background thread gets to work.
    private const int WarmupRounds = 40;
    private static readonly TimeSpan WarmupTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(20);

    public static int Run(IEnumerable<Type> types, int rounds, TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rounds} rounds in turns. ns: median; ratio: median of the ratios to the dictionary in the same round, with its quartiles."));
        output.WriteLine();
        output.WriteLine("| category | case | ns/op | ratio | quartiles |");
        output.WriteLine("|---|---|---:|---:|---|");
        foreach (Type type in types)
        {
            object instance = Activator.CreateInstance(type)!;
            Call<GlobalSetupAttribute>(instance);
            foreach (var category in Cases(instance).GroupBy(c => c.Category)) Measure([.. category], rounds, output);
            Call<GlobalCleanupAttribute>(instance);
        }
        return 0;
    }

    private static void Measure(Case[] cases, int rounds, TextWriter output)
    {
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < WarmupRounds || Stopwatch.GetElapsedTime(began) < WarmupTime; i++)
            foreach (Case one in cases) one.Body();
        int[] repeats = [.. cases.Select(one => Math.Max(1, (int)(Turn / Time(one, 1))))];

        double[][] times = [.. cases.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
            for (int turn = 0; turn < cases.Length; turn++)
            {
                int i = (round + turn) % cases.Length; // nobody always follows the same one
                GC.Collect();
                times[i][round] = Time(cases[i], repeats[i]).TotalNanoseconds / ((double)repeats[i] * cases[i].Operations);
            }

        double[] baseline = times[Array.FindIndex(cases, c => c.Baseline)];
        for (int i = 0; i < cases.Length; i++)
        {
            double[] ratios = [.. times[i].Zip(baseline, (time, reference) => time / reference)];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {cases[i].Category} | {cases[i].Name} | {Quantile(times[i], 0.5):F1} | {Quantile(ratios, 0.5):F2} | {Quantile(ratios, 0.25):F2}–{Quantile(ratios, 0.75):F2} |"));
        }
    }

    private static TimeSpan Time(Case one, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++) one.Body();
        return Stopwatch.GetElapsedTime(start);
    }

    private static IEnumerable<Case> Cases(object instance) =>
        from method in instance.GetType().GetMethods()
        let benchmark = method.GetCustomAttribute<BenchmarkAttribute>()
        where benchmark is not null
        select new Case(method.GetCustomAttribute<BenchmarkCategoryAttribute>()!.Categories[0], method.Name, benchmark.Baseline,
            benchmark.OperationsPerInvoke, Body(method, instance));

    private static Action Body(MethodInfo method, object instance)
    {
        if (method.ReturnType == typeof(void)) return method.CreateDelegate<Action>(instance);
        if (method.ReturnType == typeof(int)) { var counted = method.CreateDelegate<Func<int>>(instance); return () => counted(); }
        var returning = method.CreateDelegate<Func<object?>>(instance);
        return () => returning();
    }

    private static void Call<T>(object instance) where T : Attribute =>
        instance.GetType().GetMethods().Single(method => method.GetCustomAttribute<T>() is not null).Invoke(instance, null);

    private static double Quantile(double[] values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }

    private sealed record Case(string Category, string Name, bool Baseline, int Operations, Action Body);
}
