namespace Larder;

/// <summary>Waits for a value that another node is making: nothing that is right or wrong rests on it, only how often sources are asked.</summary>
/// <param name="chance">At least 0 and less than 1: nodes that wait for one do not ask in step.</param>
internal sealed class OtherNodes(RemoteReads reads, TimeProvider time, Func<double> chance)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(5), Longest = TimeSpan.FromMilliseconds(50);

    private long _waits;

    /// <summary>How many fills have waited.</summary>
    public long Waits => Interlocked.Read(ref _waits);

    /// <summary>Asks again and again, until nobody else is making the value, the flight has ended or the patience is over.</summary>
    /// <param name="answer">What was found when it was asked first.</param>
    /// <returns>What was found last.</returns>
    public async ValueTask<RemoteAnswer> AwaitAsync(Flight flight, RemoteAnswer answer, TimeSpan ticketLife, TimeSpan patience)
    {
        Interlocked.Increment(ref _waits);
        long start = time.GetTimestamp();
        for (TimeSpan pause = Shortest; answer.IsBeingFilled && !flight.HasEnded;)
        {
            TimeSpan left = patience - time.GetElapsedTime(start), next = pause * (0.5 + chance() / 2);
            if (left <= TimeSpan.Zero) break;
            await Task.Delay(next < left ? next : left, time).ConfigureAwait(false);
            if (flight.HasEnded) break;
            answer = await reads.ReadAsync(flight.Key, ticketLife).ConfigureAwait(false);
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
        return answer;
    }
}
