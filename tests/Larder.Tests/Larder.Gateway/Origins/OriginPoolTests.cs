using Larder.Gateway.Origins;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Tests.Gateway.Origins;

public sealed class OriginPoolTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Servers_take_turns() => Assert.Equal(["a", "b", "c", "a"], Turns(Pool("a", "b", "c"), 4));

    [Fact]
    public void Those_that_take_no_requests_are_passed_over_unless_none_does()
    {
        OriginPool pool = Pool("a", "b", "c");
        pool.Servers[1].Health.Checked(passed: false);
        Assert.Equal(["a", "c", "c", "a"], Turns(pool, 4));

        foreach (OriginServer server in pool.Servers) server.Health.Checked(passed: false);
        Assert.Equal(["b", "c", "a"], Turns(pool, 3));
    }

    [Fact]
    public void A_request_gets_each_server_once()
    {
        OriginPool pool = Pool("a", "b");
        uint tried = 0;
        Assert.Equal(["a", "b"], new[] { pool.Next(ref tried)!, pool.Next(ref tried)! }.Select(s => s.Address.Name[7..]));
        Assert.Null(pool.Next(ref tried));
    }

    [Fact]
    public void The_most_servers_have_a_bit_each()
    {
        OriginPool pool = Pool([.. Enumerable.Range(0, Larder.Gateway.Hosting.OriginOptions.MaxUrls).Select(i => $"h{i}")]);
        uint tried = 0;
        for (int i = 0; i < pool.Servers.Count; i++) Assert.NotNull(pool.Next(ref tried));
        Assert.Null(pool.Next(ref tried));
    }

    [Fact]
    public void What_is_held_ends_with_its_last_holder_and_is_not_held_again()
    {
        var thing = new Thing();
        Assert.True(thing.TryHold());
        thing.Release();
        Assert.Equal(0, thing.Ends);
        thing.Release();
        Assert.Equal(1, thing.Ends);
        Assert.False(thing.TryHold());
    }

    private static string[] Turns(OriginPool pool, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        uint tried = 0;
        return pool.Next(ref tried)!.Address.Name["http://".Length..];
    })];

    private OriginPool Pool(params string[] hosts) =>
        new([.. hosts.Select(host => new OriginServer(new($"http://{host}"), new() { Urls = [new($"http://{host}")] }, TimeSpan.FromSeconds(5), NullLogger.Instance, _time))]);

    private sealed class Thing : Counted
    {
        public int Ends { get; private set; }

        protected override void End() => Ends++;
    }
}
