using System.Globalization;

namespace Larder.Bench.Traces;

/// <summary>The table of one group of points, in Markdown: hit ratios, their means, and each policy's worst gap to the best.</summary>
internal sealed class Report(TextWriter output, string[] policies, string limit)
{
    public void Write(string title, Point[] points, Score[,] scores, Func<Score, double> ratio)
    {
        int limitAt = Array.IndexOf(policies, limit); // -1 where it was left out
        output.WriteLine();
        output.WriteLine($"## {title}");
        output.WriteLine();
        output.WriteLine($"| trace @ capacity, % of its footprint | entries or bytes | {string.Join(" | ", policies)} |");
        output.WriteLine($"|---|---:|{string.Concat(Enumerable.Repeat("---:|", policies.Length))}");
        double[] sums = new double[policies.Length], gaps = new double[policies.Length];
        for (int point = 0; point < points.Length; point++)
        {
            double[] row = [.. Enumerable.Range(0, policies.Length).Select(policy => ratio(scores[point, policy]))];
            double best = Others(row).DefaultIfEmpty().Max();
            for (int policy = 0; policy < row.Length; policy++)
            {
                sums[policy] += row[policy];
                gaps[policy] = Math.Max(gaps[policy], best - row[policy]);
            }
            Line(points[point].Name, points[point].Capacity.ToString("N0", CultureInfo.InvariantCulture), row, best);
        }
        double[] means = [.. sums.Select(sum => sum / points.Length)];
        Line("**mean**", "", means, Others(means).DefaultIfEmpty().Max());
        if (limitAt >= 0) gaps[limitAt] = double.NaN;
        Line("**worst gap to the best**", "", gaps, Others(gaps).DefaultIfEmpty().Min());

        IEnumerable<double> Others(double[] row) => row.Where((_, policy) => policy != limitAt);

        void Line(string name, string capacity, double[] row, double best) =>
            output.WriteLine($"| {name} | {capacity} | {string.Join(" | ", row.Select((value, policy) => Cell(value, policy != limitAt && Math.Abs(value - best) < 0.05)))} |");
    }

    private static string Cell(double value, bool best) => double.IsNaN(value) ? "" : best ? $"**{Figure(value)}**" : Figure(value);

    private static string Figure(double value) => value.ToString("F1", CultureInfo.InvariantCulture);
}
