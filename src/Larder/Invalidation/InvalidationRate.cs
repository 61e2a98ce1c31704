namespace Larder;

/// <summary>From how many invalidations within an hour on <see cref="InvalidationHistory.Rate"/> speaks up: a cache that is emptied all the time saves nothing.</summary>
public sealed class InvalidationThresholds
{
    /// <summary>From here on the level is <see cref="InvalidationRateLevel.Warning"/>; 50 by default.</summary>
    public int Warning { get; set; } = 50;

    /// <summary>From here on it is <see cref="InvalidationRateLevel.Critical"/>; 100 by default, not less than <see cref="Warning"/>.</summary>
    public int Critical { get; set; } = 100;

    internal InvalidationRateLevel LevelOf(int lastHour) =>
        lastHour >= Critical ? InvalidationRateLevel.Critical : lastHour >= Warning ? InvalidationRateLevel.Warning : InvalidationRateLevel.Normal;

    /// <summary>What is wrong, for a person: field, value and range.</summary>
    internal IEnumerable<string> Problems()
    {
        const int Most = 1_000_000_000;
        if (Warning is < 1 or > Most) yield return Problem(nameof(Warning), Warning, "1 to 1,000,000,000");
        if (Critical < Warning || Critical > Most) yield return Problem(nameof(Critical), Critical, "Warning to 1,000,000,000");

        static string Problem(string field, int value, string range) => FormattableString.Invariant($"InvalidationsPerHour.{field} is {value}; allowed is {range}.");
    }
}

/// <summary>Whether there are too many invalidations.</summary>
public enum InvalidationRateLevel : byte
{
    /// <summary>Fewer than <see cref="InvalidationThresholds.Warning"/> within an hour.</summary>
    Normal,
    /// <summary>At least <see cref="InvalidationThresholds.Warning"/>.</summary>
    Warning,
    /// <summary>At least <see cref="InvalidationThresholds.Critical"/>.</summary>
    Critical,
}

/// <summary>How often the cache is invalidated.</summary>
/// <param name="LastHour">How many invalidations there were in this minute and the 59 before.</param>
/// <param name="Level">What that is called (<see cref="LarderOptions.InvalidationsPerHour"/>).</param>
public readonly record struct InvalidationRate(int LastHour, InvalidationRateLevel Level);
