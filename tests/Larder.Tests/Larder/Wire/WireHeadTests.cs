using System.Buffers;

namespace Larder.Tests.Wire;

/// <summary>The head of a stored form, of which there may be only the beginning.</summary>
public sealed class WireHeadTests
{
    private static readonly WireLimits Limits = new(1 << 20, 1024);

    private static byte[] Stored()
    {
        var target = new ArrayBufferWriter<byte>();
        var entry = new WireEntry
        {
            Stamp = new(7, 9), CreatedAt = 1, FreshUntil = 2, StaleWhileRevalidateUntil = 3, StaleIfErrorUntil = 4, Key = "name:key", Type = "t", User = "u", Tags = ["a", "b:c"],
            SubjectStart = 5, SubjectEnd = 8, Encoding = CompressionAlgorithm.None, Length = 100, Body = new byte[100],
        };
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry, Limits, target));
        return target.WrittenSpan.ToArray();
    }

    [Fact]
    public void It_is_read_as_soon_as_all_of_it_is_there()
    {
        byte[] stored = Stored();
        int shortest = -1;
        for (int length = 0; length <= stored.Length; length++)
        {
            WireOutcome outcome = WireFormat.ReadHead(stored.AsMemory(0, length), Limits, out WireEntry head);
            Assert.Equal(outcome == WireOutcome.Done, head.Key is not null);
            if (head.Key is null)
            {
                Assert.Equal((WireOutcome.Cut, -1), (outcome, shortest));
                continue;
            }
            if (shortest < 0) shortest = length;
            Assert.Equal((new Position(7, 9), 2, 3, 4, "name:key", "u", 5, 8), (head.Stamp, head.FreshUntil, head.StaleWhileRevalidateUntil, head.StaleIfErrorUntil, head.Key, head.User, head.SubjectStart, head.SubjectEnd));
            Assert.Equal(["a", "b:c"], head.Tags);
        }
        Assert.InRange(shortest, 100, stored.Length - 100);
    }

    [Fact]
    public void Whatever_is_changed_in_it_nothing_throws()
    {
        byte[] stored = Stored();
        for (int at = 0; at < stored.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. stored];
                changed[at] ^= (byte)(1 << bit);
                foreach (int length in (int[])[stored.Length, 120, 80])
                    if (WireFormat.ReadHead(changed.AsMemory(0, length), Limits, out WireEntry head) == WireOutcome.Done) Assert.True(head.SubjectEnd <= head.Key.Length);
            }
        }
        Assert.Equal(WireOutcome.NotOurs, WireFormat.ReadHead(new byte[200], Limits, out _));
        stored[WireFormat.VersionAt] = 2;
        Assert.Equal(WireOutcome.OtherVersion, WireFormat.ReadHead(stored, Limits, out _));
    }
}
