using Larder.AspNetCore;

namespace Larder.Tests.Http.Pipeline;

public sealed class CollapsedRequestsTests
{
    private readonly Clock _time = new();
    private readonly CollapsedRequests _table;

    public CollapsedRequestsTests() => _table = new(_time);

    [Fact]
    public async Task The_first_leads_and_the_others_follow_until_it_ends()
    {
        CollapsedRequest? first = _table.Join("k", false, out CollapsedRequest? leader);
        Assert.NotNull(first);
        Assert.Null(leader);
        Assert.Null(_table.Join("k", true, out leader));
        Assert.Same(first, leader);
        Assert.NotNull(_table.Join("other", false, out _));
        Assert.Equal(2, _table.UnderWay);
        Task<bool> waiting = _table.WaitForAsync(leader!, default);
        Assert.False(waiting.IsCompleted);
        first.Dispose();
        first.Dispose();
        Assert.True(await waiting);
        Assert.NotNull(_table.Join("k", false, out _));
    }

    [Fact]
    public void A_leader_that_ended_does_not_remove_its_successor()
    {
        CollapsedRequest first = _table.Join("k", false, out _)!;
        first.Dispose();
        CollapsedRequest second = _table.Join("k", false, out _)!;
        first.Dispose();
        _table.Join("k", false, out CollapsedRequest? leader);
        Assert.Same(second, leader);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_not_waited_for_again_for_ten_seconds()
    {
        CollapsedRequest first = _table.Join("k", false, out CollapsedRequest? leader)!;
        _table.Join("k", false, out leader);
        first.Release();
        Assert.True(await _table.WaitForAsync(leader!, default));
        Assert.Null(_table.Join("k", false, out leader));
        Assert.Null(leader);
        Assert.NotNull(_table.Join("k", hasCredentials: true, out _));
        _time.Seconds = 9;
        Assert.Null(_table.Join("k", false, out leader));
        _time.Seconds = 11;
        Assert.Null(_table.Join("k", false, out leader));
        Assert.NotNull(leader); // The one with credentials still leads.
    }

    [Fact]
    public async Task Who_leaves_no_longer_waits()
    {
        _table.Join("k", false, out _);
        _table.Join("k", false, out CollapsedRequest? leader);
        using var left = new CancellationTokenSource();
        Task<bool> waiting = _table.WaitForAsync(leader!, left.Token);
        await left.CancelAsync();
        Assert.False(await waiting);
        leader!.BeginBody(null);
        Assert.False(await _table.WaitForAsync(leader, left.Token));
        Assert.False(await CollapsedRequests.WaitForHeadersAsync(leader, left.Token));
        Assert.True(await CollapsedRequests.WaitForHeadersAsync(leader, default));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_failure_is_told_to_those_who_wait(bool unreachable)
    {
        CollapsedRequest first = _table.Join("k", false, out _)!;
        Assert.Null(first.Unreachable);
        first.Fail(unreachable);
        Assert.True(await _table.WaitForAsync(first, default));
        Assert.Equal(unreachable, first.Unreachable);
        Assert.Equal(0, _table.UnderWay);
    }

    [Fact]
    public async Task Exactly_one_of_many_leads()
    {
        for (int trial = 0; trial < 200; trial++)
        {
            string key = $"k{trial}";
            CollapsedRequest?[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _table.Join(key, false, out CollapsedRequest? _))));
            Assert.Single(all, own => own is not null);
        }
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
