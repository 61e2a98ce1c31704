namespace Larder.Bench.Traces;

/// <summary>Ranks from 0, the k-th with a probability in proportion to 1/(k+1)^exponent.</summary>
internal sealed class Zipf
{
    private readonly double[] _cumulative;

    public Zipf(int ranks, double exponent)
    {
        _cumulative = new double[ranks];
        double sum = 0;
        for (int rank = 0; rank < ranks; rank++) _cumulative[rank] = sum += Math.Pow(rank + 1, -exponent);
    }

    public int Next(Random random)
    {
        int at = Array.BinarySearch(_cumulative, random.NextDouble() * _cumulative[^1]);
        return Math.Min(at < 0 ? ~at : at, _cumulative.Length - 1);
    }
}
