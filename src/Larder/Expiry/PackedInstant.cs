namespace Larder;

/// <summary>
/// An instant of the <see cref="CacheClock"/> in four bytes: exact to 10 ms for the first 248 days of a process, to a
/// second for 34 years from then on and before it began. Rounded down: nothing seems younger than it is.
/// </summary>
internal static class PackedInstant
{
    private const int Step = 10;
    private const uint Seconds = 1u << 31;
    /// <summary>What stands for second 0; smaller ones are before the process.</summary>
    private const int Zero = 1 << 30;

    public static uint Pack(long ms) => ms >= 0 && ms / Step < Seconds
        ? (uint)(ms / Step)
        : Seconds | (uint)Math.Clamp((ms < 0 ? (ms + 1) / 1000 - 1 : ms / 1000) + Zero, 0, Seconds - 1);

    public static long Unpack(uint packed) => packed < Seconds ? packed * (long)Step : ((packed & ~Seconds) - (long)Zero) * 1000;
}
