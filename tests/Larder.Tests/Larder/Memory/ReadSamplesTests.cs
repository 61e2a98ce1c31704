namespace Larder.Tests.Memory;

/// <summary>What readers record without a lock reaches the gate's holder, or is lost; it is never made up.</summary>
public sealed class ReadSamplesTests
{
    private static Entry Of(int hash) => new() { Key = "k", Value = 1, Cost = 1, CreatedAt = 0, FreshUntil = 1, Hash = hash };

    [Fact]
    public void What_is_recorded_comes_out_once_and_in_order()
    {
        var samples = new ReadSamples();
        for (int round = 0; round < 3; round++)
        {
            Entry[] entries = [.. Enumerable.Range(0, 10).Select(Of)];
            Assert.All(entries, entry => Assert.True(samples.TryRecord(entry)));
            Assert.Equal(entries, TakeAll(samples));
            Assert.Empty(TakeAll(samples));
        }
    }

    [Fact]
    public void A_full_one_takes_no_more_until_it_is_emptied()
    {
        var samples = new ReadSamples();
        int recorded = 0;
        while (samples.TryRecord(Of(recorded))) Assert.True(++recorded < 10_000);
        Assert.False(samples.TryRecord(Of(-1)));
        Assert.Equal(recorded, TakeAll(samples).Count);
        Assert.True(samples.TryRecord(Of(1)));
    }

    [Fact]
    public void Readers_at_once_lose_some_and_never_break_it()
    {
        var samples = new ReadSamples();
        using var end = new CancellationTokenSource();
        long recorded = 0;
        Thread[] readers = [.. Enumerable.Range(0, 3).Select(seed => new Thread(() =>
        {
            long mine = 0;
            for (int i = 0; !end.IsCancellationRequested; i++)
                if (samples.TryRecord(Of(seed * 1_000 + i % 1_000))) mine++;
            Interlocked.Add(ref recorded, mine);
        }))];
        foreach (Thread reader in readers) reader.Start();
        long taken = 0;
        while (taken < 10_000)
        {
            List<Entry> some = TakeAll(samples);
            Assert.All(some, entry => Assert.InRange(entry.Hash, 0, 2_999));
            taken += some.Count;
        }
        end.Cancel();
        foreach (Thread reader in readers) reader.Join();
        taken += TakeAll(samples).Count;
        Assert.InRange(taken, 10_000, recorded);
        Assert.Empty(TakeAll(samples));
        Assert.True(samples.TryRecord(Of(1)));
    }

    private static List<Entry> TakeAll(ReadSamples samples)
    {
        var all = new List<Entry>();
        for (int at = 0; samples.Take_NeedsGate(ref at) is { } entry;) all.Add(entry);
        return all;
    }
}
