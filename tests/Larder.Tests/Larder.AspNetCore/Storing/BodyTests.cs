using System.IO.Pipelines;
using System.Text;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Storing;

public sealed class BodyTests
{
    [Theory]
    [InlineData(0), InlineData(1), InlineData(4095), InlineData(4096), InlineData(4097), InlineData(65_536), InlineData(65_537), InlineData(1_000_000)]
    public void What_is_written_in_pieces_comes_back_whole_and_the_budget_is_returned(int length)
    {
        byte[] body = Bytes(length);
        foreach (long? expected in new long?[] { null, length, length / 2, length * 2 })
        {
            foreach (int piece in new[] { 1000, 4096, 70_000, 2_000_000 })
            {
                var budget = new RecordingBudget(1_100_000);
                using var recorder = new ResponseRecorder(budget, 1_000_000, expected);
                for (int at = 0; at < length; at += piece) recorder.Write(body.AsSpan(at, Math.Min(piece, length - at)));
                Assert.Equal((Reason.None, length), (recorder.GaveUp, recorder.Length));
                StoredBody stored = recorder.ToBody();
                recorder.Dispose();
                recorder.Dispose();
                Assert.Equal(body, stored.Segments.SelectMany(s => s.ToArray()));
                Assert.Equal(length, stored.Length);
                Assert.Equal(length <= 65_536, stored.TryGetSingle(out ReadOnlyMemory<byte> single));
                if (length <= 65_536) Assert.Equal(length, single.Length);
                Assert.True(budget.TryTake(1_100_000));
            }
        }
    }

    [Theory]
    [InlineData(100, 101, 1_000, Reason.UnstoredTooLarge), InlineData(10_000, 10_001, 1_000_000, Reason.UnstoredTooLarge)]
    [InlineData(100_000, 100_000, 5_000, Reason.UnstoredBudget), InlineData(0, 1, 10, Reason.UnstoredTooLarge)]
    public void It_gives_up_once_tells_it_once_and_returns_all(int max, int length, int limit, Reason reason)
    {
        int told = 0;
        var budget = new RecordingBudget(limit);
        using var recorder = new ResponseRecorder(budget, max, null, () => told++);
        foreach (byte b in Bytes(length)) recorder.Write([b]);
        recorder.Write(Bytes(10));
        Assert.Equal((reason, 1), (recorder.GaveUp, told));
        Assert.True(budget.TryTake(limit));
    }

    [Fact]
    public void Exactly_the_limit_is_kept()
    {
        using var recorder = new ResponseRecorder(new(1 << 20), 10_000, null);
        recorder.Write(Bytes(10_000));
        Assert.Equal((Reason.None, 10_000), (recorder.GaveUp, recorder.ToBody().Length));
    }

    [Fact]
    public void Who_writes_after_the_end_takes_nothing_from_the_budget()
    {
        var budget = new RecordingBudget(10_000);
        var recorder = new ResponseRecorder(budget, 10_000, null);
        recorder.Write(Bytes(10));
        recorder.Dispose();
        recorder.Write(Bytes(10_000));
        Assert.Equal(Reason.UnstoredIncomplete, recorder.GaveUp);
        Assert.True(budget.TryTake(10_000));
        Assert.False(budget.TryTake(1));
        budget.Return(10_000);
        Assert.True(budget.TryTake(1));
    }

    [Fact]
    public async Task Every_part_of_a_segmented_body_can_be_cut()
    {
        byte[] whole = Encoding.ASCII.GetBytes("0123456789");
        var body = new StoredBody([whole.AsMemory(0, 3), whole.AsMemory(3, 1), whole.AsMemory(4, 6)]);
        Assert.False(body.TryGetSingle(out _));
        for (int first = 0; first <= 10; first++)
        {
            for (int length = 0; first + length <= 10; length++)
            {
                var stream = new MemoryStream();
                var writer = PipeWriter.Create(stream);
                await body.WriteToAsync(writer, first, length, default);
                await writer.CompleteAsync();
                Assert.Equal(whole[first..(first + length)], stream.ToArray());
            }
        }
    }

    [Fact]
    public async Task Writing_ends_when_nobody_reads_any_more()
    {
        var pipe = new Pipe();
        await pipe.Reader.CompleteAsync();
        var body = new StoredBody([Bytes(10), Bytes(10)]);
        await body.WriteToAsync(pipe.Writer, 0, 20, default);
        Assert.True(StoredBody.Empty.TryGetSingle(out ReadOnlyMemory<byte> none) && none.IsEmpty);
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
