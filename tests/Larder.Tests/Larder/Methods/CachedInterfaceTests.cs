using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Methods;

public sealed record Order(string Id, string? Customer);

/// <summary>Every shape of method, as a program would write them.</summary>
public interface IOrders
{
    [Cached(TtlSeconds = 60, Tags = ["order:{id}"])]
    ValueTask<string> GetAsync(string id, CancellationToken cancellationToken = default);

    [Cached(Tags = ["customer:{customer}"], User = "{customer}")]
    Task<List<string>> ListAsync(string? customer, IReadOnlyList<int> pages);

    [Cached(Operation = "orders.count")]
    int Count(int year);

    [Cached]
    int Count(string year);

    [Cached(ShareInstance = true)]
    Task<Order?> FindAsync(string id, int? version, DateOnly day, Dictionary<string, bool> flags, CancellationToken token);

    [Invalidates(Tags = ["order:{order.Id}"], Keys = ["plain:{order.Id}"], Methods = [nameof(ListAsync)], User = "{order.Customer}")]
    Task UpdateAsync(Order order, CancellationToken cancellationToken = default);

    [Invalidates(Methods = [nameof(Count)])]
    int Recount(bool fail);

    [Invalidates(Methods = [nameof(Count)])]
    void Clear();

    [Invalidates(Tags = ["order"])]
    ValueTask<int> DropAsync(bool fail);

    [Invalidates(Tags = ["order"])]
    ValueTask TouchAsync();

    [Invalidates(Tags = ["order"])]
    Task<int> PurgeAsync(bool fail);

    string Plain(string text);

    T Generic<T>(T value);

    string Name { get; set; }
}

public sealed class Orders : IOrders
{
    public List<string> Calls { get; } = [];
    public CancellationToken Token { get; private set; }
    public TaskCompletionSource? Gate { get; set; }
    public string Name { get; set; } = "name";

    private int Called(string call)
    {
        lock (Calls) Calls.Add(call);
        return Calls.Count;
    }

    public async ValueTask<string> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        Token = cancellationToken;
        int call = Called("get " + id);
        if (Gate is { } gate) await gate.Task;
        return $"{id} {call}";
    }

    public Task<List<string>> ListAsync(string? customer, IReadOnlyList<int> pages) => Task.FromResult<List<string>>([$"{customer} {Called("list")}"]);

    public int Count(int year) => Called("count");

    public int Count(string year) => Called("count");

    public Task<Order?> FindAsync(string id, int? version, DateOnly day, Dictionary<string, bool> flags, CancellationToken token) => Task.FromResult(Called("find") > 0 && version is null ? new Order(id, null) : null);

    public async Task UpdateAsync(Order order, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Called("update");
        if (order.Customer == "bad") throw new FormatException("as it was thrown");
    }

    public int Recount(bool fail) => fail ? throw new FormatException() : Called("recount");

    public void Clear() => Called("clear");

    public ValueTask<int> DropAsync(bool fail) => fail ? throw new FormatException() : new(7);

    public async ValueTask TouchAsync() => await Task.Yield();

    public async Task<int> PurgeAsync(bool fail)
    {
        await Task.Yield();
        return fail ? throw new FormatException() : 8;
    }

    public string Plain(string text) => text is "bad" ? throw new FormatException() : text + Called("plain");

    public T Generic<T>(T value) => value;
}

public sealed class CachedInterfaceTests : IDisposable
{
    private readonly ServiceProvider _provider;
    private readonly IOrders _orders;
    private readonly Orders _inner;
    private readonly LarderCache _cache;

    public CachedInterfaceTests()
    {
        var services = new ServiceCollection();
        services.AddLarder();
        services.AddCachedInterface<IOrders, Orders>(lifetime: ServiceLifetime.Singleton);
        _provider = services.BuildServiceProvider();
        _orders = _provider.GetRequiredService<IOrders>();
        _inner = _provider.GetRequiredService<Orders>();
        _cache = _provider.GetRequiredService<LarderCache>();
    }

    public void Dispose() => _provider.Dispose();

    [Fact]
    public async Task Get_get_update_get_runs_the_getter_twice()
    {
        Assert.Equal("1 1", await _orders.GetAsync("1"));
        Assert.Equal("1 1", await _orders.GetAsync("1"));
        await _orders.UpdateAsync(new("1", null));
        Assert.Equal("1 3", await _orders.GetAsync("1"));
        Assert.Equal(["get 1", "update", "get 1"], _inner.Calls);
    }

    [Fact]
    public async Task Arguments_separate_results_and_the_token_does_not()
    {
        using var source = new CancellationTokenSource();
        Assert.Equal(await _orders.GetAsync("1", source.Token), await _orders.GetAsync("1"));
        Assert.NotEqual(await _orders.GetAsync("1"), await _orders.GetAsync("2"));
        Assert.NotEqual(await _orders.ListAsync("a", [1, 2]), await _orders.ListAsync("a", [12]));
        Assert.Equal(await _orders.ListAsync("a", [1, 2]), await _orders.ListAsync("a", new List<int> { 1, 2 }));
        Assert.Equal(_orders.Count(1), _orders.Count(1));
        Assert.NotEqual(_orders.Count(1), _orders.Count("1"));
        Assert.NotEqual(_orders.Count(1), _orders.Count(2));
        Order? first = await _orders.FindAsync("1", null, default, [], default);
        Assert.Same(first, await _orders.FindAsync("1", null, default, [], default));
        Assert.Null(await _orders.FindAsync("1", 1, default, [], default));
    }

    [Fact]
    public async Task A_caller_that_leaves_cancels_only_its_own_waiting()
    {
        _inner.Gate = new();
        using var leaving = new CancellationTokenSource();
        Task<string> left = _orders.GetAsync("1", leaving.Token).AsTask(), staying = _orders.GetAsync("1").AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(_inner.Token.IsCancellationRequested);
        _inner.Gate.SetResult();
        Assert.Equal("1 1", await staying);
    }

    [Fact]
    public async Task Results_have_the_lifetime_tags_and_user_they_were_given()
    {
        await _orders.GetAsync("1");
        string key = _cache.Keys.ForEndpoint("Larder.Tests.Methods.IOrders.GetAsync@Larder.Tests.Methods.Orders", [("id", "1")]).Text;
        Assert.InRange(_cache.GetTimeToLive(key)!.Value, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
        await _orders.ListAsync("ann", []);
        await _orders.ListAsync("bob", []);
        await _orders.ListAsync(null, []);
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        await _cache.InvalidateAsync(Invalidation.Tag("customer:bob"));
        _inner.Calls.Clear();
        await _orders.ListAsync(null, []);
        Assert.Empty(_inner.Calls);
        await _orders.ListAsync("ann", []);
        await _orders.ListAsync("bob", []);
        Assert.Equal(2, _inner.Calls.Count);
        _orders.Count(1);
        Assert.Equal(1, (await _cache.InvalidateAsync(Invalidation.Glob("orders.count *"), count: true)).Removed);
    }

    [Fact]
    public async Task A_write_that_fails_invalidates_nothing_and_throws_what_it_threw()
    {
        await _orders.GetAsync("1");
        _orders.Count(1);
        var error = await Assert.ThrowsAsync<FormatException>(() => _orders.UpdateAsync(new("1", "bad")));
        Assert.Equal("as it was thrown", error.Message);
        Assert.Throws<FormatException>(() => _orders.Recount(fail: true));
        await Assert.ThrowsAsync<FormatException>(async () => await _orders.DropAsync(fail: true));
        await Assert.ThrowsAsync<FormatException>(() => _orders.PurgeAsync(fail: true));
        Assert.Throws<FormatException>(() => _orders.Plain("bad"));
        _inner.Calls.Clear();
        await _orders.GetAsync("1");
        _orders.Count(1);
        Assert.Empty(_inner.Calls);
    }

    [Fact]
    public async Task Writes_of_every_shape_invalidate_before_they_return()
    {
        foreach (Func<Task> write in new Func<Task>[]
        {
            () => _orders.UpdateAsync(new("1", null)), async () => Assert.Equal(7, await _orders.DropAsync(false)),
            async () => await _orders.TouchAsync(), async () => Assert.Equal(8, await _orders.PurgeAsync(false)),
        })
        {
            string before = await _orders.GetAsync("1");
            await write();
            Assert.NotEqual(before, await _orders.GetAsync("1"));
        }
        foreach (Action write in new Action[] { () => _orders.Recount(false), _orders.Clear })
        {
            (int, int) before = (_orders.Count(1), _orders.Count("1"));
            write();
            Assert.NotEqual(before.Item1, _orders.Count(1));
            Assert.NotEqual(before.Item2, _orders.Count("1"));
        }
    }

    [Fact]
    public async Task Keys_users_and_methods_are_invalidated_and_nothing_else()
    {
        await _cache.SetAsync("plain:a:b", 1);
        await _cache.SetAsync("plain:a", 1);
        await _cache.SetAsync("of-ann", 1, new() { User = "ann" });
        await _orders.ListAsync("bob", []);
        await _orders.GetAsync("a");
        _inner.Calls.Clear();
        await _orders.UpdateAsync(new("a:b", "ann"));
        Assert.Equal((false, true, false), (_cache.Exists("plain:a:b"), _cache.Exists("plain:a"), _cache.Exists("of-ann")));
        await _orders.ListAsync("bob", []);
        // The colon of the value is no level of the tag's: order:a is not covered.
        await _orders.GetAsync("a");
        Assert.Equal(["update", "list"], _inner.Calls);
    }

    [Fact]
    public void What_has_no_attribute_passes_through()
    {
        Assert.Equal("x1", _orders.Plain("x"));
        Assert.Equal("x2", _orders.Plain("x"));
        Assert.Equal(5, _orders.Generic(5));
        _orders.Name = "other";
        Assert.Equal("other", _inner.Name);
        Assert.Equal("other", _orders.Name);
    }

    [Fact]
    public async Task A_fill_that_a_write_overtakes_is_not_kept()
    {
        _inner.Gate = new();
        Task<string> old = _orders.GetAsync("1").AsTask();
        await _orders.UpdateAsync(new("1", null));
        _inner.Gate.SetResult();
        Assert.Equal("1 1", await old);
        Assert.Equal("1 3", await _orders.GetAsync("1"));
    }

    [Fact]
    public async Task A_service_can_use_a_named_cache_and_a_lifetime()
    {
        var services = new ServiceCollection();
        services.AddLarder("orders");
        services.AddCachedInterface<IOrders, Orders>("orders");
        await using ServiceProvider provider = services.BuildServiceProvider(validateScopes: true);
        await using AsyncServiceScope one = provider.CreateAsyncScope(), two = provider.CreateAsyncScope();
        Assert.Equal("1 1", await one.ServiceProvider.GetRequiredService<IOrders>().GetAsync("1"));
        Assert.Equal("1 1", await two.ServiceProvider.GetRequiredService<IOrders>().GetAsync("1"));
        // The one run had an implementation of its own.
        Assert.Empty(one.ServiceProvider.GetRequiredService<Orders>().Calls);
        Assert.Empty(two.ServiceProvider.GetRequiredService<Orders>().Calls);
        Assert.Equal(1, provider.GetRequiredKeyedService<LarderCache>("orders").Statistics.Entries);
    }
}
