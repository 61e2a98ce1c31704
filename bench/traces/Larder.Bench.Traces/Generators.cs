namespace Larder.Bench.Traces;

/// <summary>Requests of equal cost, one kind of pattern each, the same in every run.</summary>
internal static class Generators
{
    private const int Requests = 500_000;
    private const int Keys = 50_000;
    /// <summary>Keys from here on are asked for by one part of a pattern alone.</summary>
    private const long Fresh = 1L << 32;

    public static IEnumerable<Trace> All() =>
    [
        ZipfAlone(0.7), ZipfAlone(0.9), ZipfAlone(0.99), Scans(), Shifting(), ShiftingSlowly(), ThenLoop(), Web(), Ledger(), Recommendations(),
    ];

    /// <summary>Replayed with capacities a bit below the loop's length, where order of recency finds nothing.</summary>
    public static Trace Loop() => Trace.Of("loop of 10,000", [.. Enumerable.Range(0, 40 * 10_000).Select(i => (long)(i % 10_000))]);

    private static Trace ZipfAlone(double exponent)
    {
        (Random random, Zipf zipf) = (new(1), new(Keys, exponent));
        return Trace.Of(FormattableString.Invariant($"zipf {exponent}"), [.. Enumerable.Range(0, Requests).Select(_ => (long)zipf.Next(random))]);
    }

    /// <summary>Every 20,000 requests 5,000 keys are read once, and never again.</summary>
    private static Trace Scans()
    {
        (Random random, Zipf zipf) = (new(2), new(Keys, 0.99));
        var requests = new List<long>();
        for (long scanned = Fresh; requests.Count < Requests;)
        {
            for (int i = 0; i < 20_000; i++) requests.Add(zipf.Next(random));
            for (int i = 0; i < 5_000; i++) requests.Add(scanned++);
        }
        return Trace.Of("zipf + scans", requests);
    }

    /// <summary>What is popular moves on: with each request the ranks slide over the keys a bit.</summary>
    private static Trace Shifting()
    {
        (Random random, Zipf zipf) = (new(3), new(5_000, 0.99));
        return Trace.Of("zipf that shifts", [.. Enumerable.Range(0, Requests).Select(i => i / 12 + (long)zipf.Next(random))]);
    }

    /// <summary>Every 50,000 requests another set of keys becomes popular.</summary>
    private static Trace ShiftingSlowly()
    {
        (Random random, Zipf zipf) = (new(4), new(10_000, 0.9));
        return Trace.Of("zipf in phases", [.. Enumerable.Range(0, Requests).Select(i => i / 50_000 * 6_000L + zipf.Next(random))]);
    }

    private static Trace ThenLoop()
    {
        (Random random, Zipf zipf) = (new(5), new(30_000, 0.9));
        var requests = new List<long>();
        for (int i = 0; i < Requests / 2; i++) requests.Add(zipf.Next(random));
        for (int i = 0; i < Requests / 2; i++) requests.Add(Fresh + i % 14_000);
        return Trace.Of("zipf, then a loop", requests);
    }

    /// <summary>Most keys are asked for once; the others by popularity, or again soon after they were asked for.</summary>
    private static Trace Web()
    {
        const int Recent = 4_000;
        (Random random, Zipf zipf) = (new(6), new(60_000, 0.8));
        var requests = new List<long>();
        for (long once = Fresh; requests.Count < Requests;)
        {
            double kind = random.NextDouble();
            if (kind < 0.16) requests.Add(once++);
            else if (kind < 0.45 && requests.Count > Recent) requests.Add(requests[^(1 + (int)(Recent * Math.Pow(random.NextDouble(), 2)))]);
            else requests.Add(zipf.Next(random) + requests.Count / 100_000 * 2_000L);
        }
        return Trace.Of("web", requests);
    }

    /// <summary>Each key is touched three times within a short time, then never again.</summary>
    private static Trace Ledger()
    {
        var random = new Random(7);
        var open = new PriorityQueue<long, long>();
        var requests = new List<long>();
        for (long next = 0; requests.Count < Requests;)
        {
            if (open.TryPeek(out long due, out long at) && at <= requests.Count)
            {
                open.Dequeue();
                requests.Add(due);
                continue;
            }
            requests.Add(next);
            open.Enqueue(next, requests.Count + random.Next(20, 600));
            open.Enqueue(next++, requests.Count + random.Next(600, 3_000));
        }
        return Trace.Of("ledger", requests);
    }

    /// <summary>Visits: someone looks at a dozen things that belong together, some of them popular, some of them twice.</summary>
    private static Trace Recommendations()
    {
        (Random random, Zipf zipf) = (new(8), new(8_000, 0.85));
        var requests = new List<long>();
        while (requests.Count < Requests)
        {
            long group = zipf.Next(random) + requests.Count / 50_000 * 300L;
            int first = requests.Count;
            for (int i = random.Next(4, 20); i > 0; i--)
                requests.Add(requests.Count > first && random.Next(5) == 0 ? requests[random.Next(first, requests.Count)] : group * 40 + random.Next(40));
        }
        return Trace.Of("recommendations", requests);
    }
}
