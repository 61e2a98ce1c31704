namespace Larder.Tests.Remote;

public sealed class RemoteServerTests
{
    [Fact]
    [Trait("clause", "R-27"), Trait("clause", "R-31")]
    public void Nothing_seems_younger_on_another_node_than_it_is_however_long_answers_take()
    {
        Assert.Equal(0, Youngest(server => server.ClockForWriting));
        // The broken variant: written by the clock that is right for reading.
        Assert.InRange(Youngest(server => server.Clock), 1, 50);
    }

    /// <summary>The milliseconds by which an entry seems younger at worst; three clocks that have nothing to do with each other.</summary>
    private static long Youngest(Func<RemoteServer, ClockAnchor> forWriting)
    {
        var random = new Random(3);
        long worst = 0;
        for (int i = 0; i < 10_000; i++)
        {
            long writers = random.Next(100_000), readers = random.Next(100_000), servers = 1_700_000_000_000 + random.Next(100_000);
            long created = random.Next(1000, 100_000), read = created + random.Next(100_000);
            long wall = forWriting(Asked(created + random.Next(-900, 900), writers)).ToWall(created - writers);
            // When the entry was created, as the reader sees it, in true time.
            long seen = Asked(read, readers).Clock.StartOf(wall) + readers;
            worst = Math.Max(worst, seen - created);

            RemoteServer Asked(long at, long local)
            {
                int there = random.Next(25), back = random.Next(25);
                return new(1, new(servers + at + there, at - local)) { Doubt = there + back };
            }
        }
        return worst;
    }
}
