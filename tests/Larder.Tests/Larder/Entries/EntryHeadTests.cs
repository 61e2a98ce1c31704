namespace Larder.Tests.Entries;

public sealed class EntryHeadTests
{
    [Theory]
    [InlineData(900, 900), InlineData(1000, 1000), InlineData(1005, 1000)]
    public void After_a_soft_event_no_clock_that_lags_finds_it_fresh(long at, long ends)
    {
        Entry entry = Make(1000);
        Assert.True(entry.IsFresh(995));
        entry.EndFreshness(at);
        foreach (long now in new[] { long.MinValue / 4, 0, 895, 899, 995, 999, 1000, 2000 }) Assert.False(entry.IsFresh(now));
        Assert.Equal(ends, entry.FreshUntil);
        entry.EndFreshness(ends - 100);
        Assert.Equal(ends - 100, entry.FreshUntil);
        entry.EndFreshness(ends + 100);
        Assert.Equal(ends - 100, entry.FreshUntil);
        Assert.False(entry.ProlongFreshness(0, 5000));
    }

    [Fact]
    public void One_that_was_never_to_end_or_ended_before_the_process_ends_at_the_event_or_before()
    {
        Entry endless = Make(long.MaxValue), old = Make(-50);
        endless.EndFreshness(7);
        old.EndFreshness(7);
        Assert.Equal((7, -50), (endless.FreshUntil, old.FreshUntil));
        Assert.False(endless.IsFresh(0) || old.IsFresh(-60));
    }

    private static Entry Make(long freshUntil) => new() { Key = "k", Value = "v", Cost = 1, CreatedAt = 0, FreshUntil = freshUntil, Hash = 0 };
}
