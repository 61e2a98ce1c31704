namespace Larder;

/// <summary>
/// An instant of the <see cref="CacheClock"/> in four bytes: exact to 10 ms for the first 248 days of a process, to a
/// second for 68 years from then on. Good enough to tell an age; nothing is decided by it.
/// </summary>
internal static class PackedInstant
{
    private const int Step = 10;
    private const uint Seconds = 1u << 31;

    public static uint Pack(long ms) => ms / Step < Seconds ? (uint)(ms / Step) : Seconds | (uint)Math.Min(ms / 1000, Seconds - 1);

    public static long Unpack(uint packed) => packed < Seconds ? packed * (long)Step : (packed & ~Seconds) * 1000L;
}
