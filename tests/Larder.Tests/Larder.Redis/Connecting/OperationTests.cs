using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

[Collection(Alone.Name)]
public sealed class OperationTests
{
    private static readonly RedisReply Reply = new(RedisOutcome.Answered, RespValue.OfInteger(7));

    [Fact]
    public void A_cancellation_that_comes_with_the_answer_never_meets_the_next_command()
    {
        const int Times = 100_000;
        CancellationTokenSource? source = null;
        int cancelled = 0, harmed = 0, done = 0;
        var canceller = new Thread(() =>
        {
            for (int i = 0; i < Times; i++)
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref source) is not null);
                CancellationTokenSource mine = Interlocked.Exchange(ref source, null)!;
                Thread.SpinWait(i % 60);
                mine.Cancel();
                Volatile.Write(ref done, i + 1);
            }
        });
        canceller.Start();
        for (int i = 0; i < Times; i++)
        {
            var impatience = new CancellationTokenSource();
            Operation operation = Operation.Begin(0, long.MaxValue);
            ValueTask<RedisReply> call = operation.Task(impatience.Token);
            Volatile.Write(ref source, impatience);
            // Now and then the cancellation comes first for sure, on whatever machine.
            if (i % 50 == 0) SpinWait.SpinUntil(() => Volatile.Read(ref done) > i);
            else Thread.SpinWait(i % 41);
            operation.TryEnd(Reply);
            operation.Release();
            SpinWait.SpinUntil(() => call.IsCompleted);
            if (call.IsCanceled || call.IsFaulted) cancelled++;
            _ = Record.Exception(() => Result(call));

            // The pool hands out the same one, if it was given back.
            Operation next = Operation.Begin(0, long.MaxValue);
            SpinWait.SpinUntil(() => Volatile.Read(ref done) > i);
            if (next.HasEnded) harmed++;
            else next.Discard();
        }
        canceller.Join();
        Assert.Equal(0, harmed);
        // Both won.
        Assert.InRange(cancelled, 1, Times - 1);
    }

    [Fact]
    public void Who_asks_too_early_or_twice_gets_nothing_of_anybody_s()
    {
        Operation operation = Operation.Begin(0, long.MaxValue);
        ValueTask<RedisReply> call = operation.Task(CancellationToken.None);
        Assert.Throws<InvalidOperationException>(() => Result(call));
        Assert.True(operation.TryEnd(Reply));
        Assert.False(operation.TryEnd(Reply));
        SpinWait.SpinUntil(() => call.IsCompleted);
        Assert.Equal("7", Result(call).Value.Text);
        // The connection still holds it: it is not in the pool.
        Assert.NotSame(operation, Operation.Begin(0, long.MaxValue));
        operation.Release();
        Assert.Throws<InvalidOperationException>(() => Result(call));
        Assert.Same(operation, Operation.Begin(0, long.MaxValue));
    }

    private static RedisReply Result(ValueTask<RedisReply> call) => call.GetAwaiter().GetResult();
}
