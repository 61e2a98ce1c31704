using Larder.Bench.Traces.Policies;

namespace Larder.Bench.Traces;

/// <summary>Runs policies over points; every pair has a cache of its own, so they may run side by side.</summary>
internal static class Replay
{
    public static Score[,] Run(Point[] points, (string Name, Func<Setting, IPolicy> Make)[] policies)
    {
        var scores = new Score[points.Length, policies.Length];
        Parallel.For(0, points.Length * policies.Length, new() { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            (int point, int policy) = Math.DivRem(i, policies.Length);
            scores[point, policy] = Run(points[point], policies[policy].Make);
        });
        return scores;
    }

    private static Score Run(Point point, Func<Setting, IPolicy> make)
    {
        IPolicy policy = make(new(point.Trace, point.Capacity));
        using var _ = policy as IDisposable;
        long hits = 0, hitBytes = 0, bytes = 0;
        foreach (int key in point.Trace.Keys)
        {
            long cost = point.Trace.CostOf(key);
            bytes += cost;
            if (!policy.Access(key)) continue;
            hits++;
            hitBytes += cost;
        }
        return new(100.0 * hits / point.Trace.Keys.Length, 100.0 * hitBytes / bytes);
    }
}
