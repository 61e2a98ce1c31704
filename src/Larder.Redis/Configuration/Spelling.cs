namespace Larder.Redis;

/// <summary>Guesses what a misspelt name was meant to be.</summary>
internal static class Spelling
{
    private const int Far = 2;

    /// <summary>The known name with the fewest edits, at most two and fewer than it has letters; null if none is near. Case is no edit.</summary>
    public static string? Nearest(string name, ReadOnlySpan<string> known)
    {
        string? nearest = null;
        int least = Far + 1;
        foreach (string candidate in known)
        {
            int distance = Distance(name, candidate);
            if (distance >= least || distance >= candidate.Length) continue;
            (nearest, least) = (candidate, distance);
        }
        return nearest;
    }

    /// <summary>How many characters have to be inserted, removed or replaced; a large number if surely more than two.</summary>
    public static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > Far) return int.MaxValue;
        int[] above = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int[] row = new int[b.Length + 1];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = above[j - 1] + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(above[j], row[j - 1]) + 1);
            }
            above = row;
        }
        return above[b.Length];
    }
}
