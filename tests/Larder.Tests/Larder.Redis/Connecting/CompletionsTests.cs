using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

public sealed class CompletionsTests
{
    /// <summary>So many that batches of two or more come of them.</summary>
    private static readonly int Many = 8 * Environment.ProcessorCount;

    /// <summary>Operations that were answered, each with a caller who takes its answer on whatever thread completes it.</summary>
    private static Task[] Answered(Completions completions, int count, Action<int> taken) =>
        [.. Enumerable.Range(0, count).Select(i =>
        {
            Operation operation = Operation.Begin(0, long.MaxValue);
            Task caller = TakeAsync(operation.Task(default), taken, i);
            Assert.True(operation.TryDecide(new(RedisOutcome.Answered, RespValue.OfInteger(i))));
            completions.Add(operation);
            operation.Release();
            return caller;
        })];

    private static async Task TakeAsync(ValueTask<RedisReply> answer, Action<int> taken, int i)
    {
        Assert.True((await answer).Value.TryGetInteger(out long number));
        Assert.Equal(i, number);
        taken(i);
    }

    [Fact]
    public async Task Nobody_goes_on_twice_or_never_whoever_looks_meanwhile()
    {
        var completions = new Completions();
        using var end = new CancellationTokenSource();
        Task looking = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                completions.Look();
                completions.Scatter();
            }
        });
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            int[] taken = new int[random.Next(1, 6 * Many)];
            Task[] callers = Answered(completions, taken.Length, i => Interlocked.Increment(ref taken[i]));
            completions.Dispatch()!.Execute();
            await Task.WhenAll(callers).WaitAsync(TimeSpan.FromMinutes(1));
            Assert.All(taken, times => Assert.Equal(1, times));
        }
        await end.CancelAsync();
        await looking;
        await Eventually.True(() => !completions.AnyInUse);
        Assert.Null(completions.Dispatch());
    }

    [Fact]
    public async Task Who_waits_behind_a_caller_that_blocks_waits_until_the_next_look_but_one()
    {
        var completions = new Completions();
        using var release = new ManualResetEventSlim();
        int blocking = 0;
        Task[] callers = Answered(completions, Many, _ =>
        {
            // The first of each batch, whichever that is.
            if (Interlocked.Increment(ref blocking) <= 2) release.Wait(TimeSpan.FromMinutes(1));
        });
        IThreadPoolWorkItem last = completions.Dispatch()!;
        Task own = Task.Run(last.Execute);
        int AtRest() => callers.Count(caller => !caller.IsCompleted);
        await Eventually.True(() => Volatile.Read(ref blocking) >= 2);
        completions.Look();
        await Eventually.True(() => AtRest() >= 2 && completions.AnyInUse);
        // The control: somebody is held up by those two.
        await Eventually.True(() => Volatile.Read(ref blocking) == Many - (AtRest() - 2));
        Assert.True(AtRest() > 2);
        completions.Look();
        completions.Look();
        await Eventually.True(() => AtRest() == 2);
        release.Set();
        await Task.WhenAll(callers);
        await own;
        await Eventually.True(() => !completions.AnyInUse);
    }
}
