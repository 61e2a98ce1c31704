using System.Diagnostics.Metrics;

namespace Larder;

/// <summary>The one meter of the engine.</summary>
internal static class LarderMeter
{
    /// <summary>What a listener or an exporter subscribes to.</summary>
    public const string Name = "Larder";

    public static readonly Meter Instance = new(Name);
}
