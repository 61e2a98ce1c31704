namespace Larder.Bench.Traces;

/// <summary>Requests for values of different sizes, the same in every run.</summary>
internal static class SizedGenerators
{
    private const int Requests = 400_000;
    private const int Keys = 40_000;
    private const int Smallest = 300;
    private const int Largest = 2_000_000;

    public static IEnumerable<Trace> All() =>
    [
        // The rank is the key: 0 is asked for most.
        Zipfian("sizes at random", (random, _) => Lognormal(random, 1)),
        Zipfian("popular ones small", (random, rank) => Lognormal(random, 0.2 + 3.0 * rank / Keys)),
        Zipfian("popular ones large", (random, rank) => Lognormal(random, 3.2 - 3.0 * rank / Keys)),
        Web(),
        Blocks(),
    ];

    private static int Lognormal(Random random, double scale)
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return (int)Math.Clamp(scale * Math.Exp(8.5 + 1.3 * normal), Smallest, Largest);
    }

    private static Trace Zipfian(string name, Func<Random, int, int> size)
    {
        (Random random, Zipf zipf) = (new(11), new(Keys, 0.9));
        int[] sizes = [.. Enumerable.Range(0, Keys).Select(rank => size(random, rank))];
        return Trace.Of(name, [.. Enumerable.Range(0, Requests).Select(_ => (long)zipf.Next(random))], key => sizes[key]);
    }

    /// <summary>Half of the keys are asked for once; sizes have a long tail.</summary>
    private static Trace Web()
    {
        (Random random, Zipf zipf) = (new(12), new(Keys, 0.85));
        var requests = new List<long>();
        for (long once = 1L << 32; requests.Count < Requests;) requests.Add(random.Next(6) == 0 ? once++ : zipf.Next(random) + requests.Count / 80_000 * 2_000L);
        var sizes = new Random(13);
        return Trace.Of("requests with sizes", requests, _ => Lognormal(sizes, 1.5));
    }

    /// <summary>Small blocks that are read again beside long runs of large ones that rarely are.</summary>
    private static Trace Blocks()
    {
        (Random random, Zipf zipf) = (new(14), new(30_000, 0.8));
        var requests = new List<long>();
        var large = new HashSet<long>();
        for (long next = 1L << 32; requests.Count < Requests;)
        {
            for (int i = 0; i < 2_000; i++) requests.Add(zipf.Next(random));
            // One run in three is one that was read before.
            long run = large.Count > 0 && random.Next(3) == 0 ? (1L << 32) + random.Next((int)(next - (1L << 32)) / 500) * 500L : next;
            for (int i = 0; i < 500; i++) large.Add(requests.AddAndGet(run + i));
            if (run == next) next += 500;
        }
        var sizes = new Random(15);
        return Trace.Of("block I/O", requests, key => large.Contains(key) ? 64 << 10 : 4096 << sizes.Next(3));
    }

    private static long AddAndGet(this List<long> requests, long key)
    {
        requests.Add(key);
        return key;
    }
}
