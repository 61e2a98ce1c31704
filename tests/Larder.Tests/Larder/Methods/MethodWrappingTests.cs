namespace Larder.Tests.Methods;

public sealed class MethodWrappingTests : IDisposable
{
    private readonly LarderCache _cache = new();
    private int _calls;

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task A_wrapped_function_runs_once_for_equal_arguments()
    {
        var one = _cache.Wrap("one", (string id, CancellationToken _) => new ValueTask<int>(++_calls), id => new() { Tags = [$"item:{id}"] });
        var two = _cache.Wrap("two", (string id, int page, CancellationToken _) => new ValueTask<int>(++_calls));
        var three = _cache.Wrap("three", (string id, int page, DateOnly? day, CancellationToken _) => new ValueTask<int>(++_calls), (id, _, _) => new() { User = id });
        var tuple = _cache.Wrap("tuple", ((int A, int B, int C, int D) args, CancellationToken _) => new ValueTask<int>(++_calls));
        Assert.Equal((1, 1, 2), (await one("a", default), await one("a", default), await one("b", default)));
        Assert.Equal((3, 3, 4), (await two("a", 1, default), await two("a", 1, default), await two("a", 2, default)));
        Assert.Equal((5, 5, 6), (await three("a", 1, null, default), await three("a", 1, null, default), await three("a", 1, default(DateOnly), default)));
        Assert.Equal((7, 7, 8), (await tuple((1, 2, 3, 4), default), await tuple((1, 2, 3, 4), default), await tuple((1, 2, 4, 3), default)));
        await _cache.InvalidateAsync(Invalidation.Tag("item:a"));
        await _cache.InvalidateAsync(Invalidation.User("a"));
        Assert.Equal((9, 2, 10, 3), (await one("a", default), await one("b", default), await three("a", 1, null, default), await two("a", 1, default)));
        Assert.Throws<ArgumentException>(() => _cache.Wrap("", (int id, CancellationToken _) => new ValueTask<int>(1)));
        Assert.Throws<ArgumentNullException>(() => _cache.Wrap<int, int>("x", null!));
    }

    [Fact]
    public async Task Get_get_update_get_runs_the_getter_twice_and_a_failed_update_counts_for_nothing()
    {
        var get = _cache.Wrap("get", (string id, CancellationToken _) => new ValueTask<int>(++_calls), id => new() { Tags = [$"item:{id}"] });
        var update = _cache.WrapWrite(
            (string id, CancellationToken _) => id == "bad" ? throw new FormatException() : new ValueTask<bool>(true), (id, done) => [Invalidation.Tag($"item:{id}")]);
        var remove = _cache.WrapWrite((string id, CancellationToken token) => id == "bad" ? throw new FormatException() : default(ValueTask), id => [Invalidation.Tag($"item:{id}")]);
        foreach (Func<string, ValueTask> write in new Func<string, ValueTask>[] { async id => await update(id, default), id => remove(id, default) })
        {
            int before = await get("a", default);
            Assert.Equal(before, await get("a", default));
            await write("a");
            Assert.NotEqual(before, await get("a", default));
            int bad = await get("bad", default);
            await Assert.ThrowsAsync<FormatException>(async () => await write("bad"));
            Assert.Equal(bad, await get("bad", default));
        }
    }

    [Fact]
    public async Task Arguments_that_no_key_can_hold_are_refused_when_the_function_is_made()
    {
        Assert.Throws<ArgumentException>(() => _cache.Wrap("x", (System.Text.StringBuilder text, CancellationToken _) => new ValueTask<int>(1)));
        Assert.Throws<ArgumentException>(() => _cache.Wrap("x", (int id, System.Text.StringBuilder text, CancellationToken _) => new ValueTask<int>(1)));
        var open = _cache.Wrap("open", (System.Dynamic.ExpandoObject map, CancellationToken _) => new ValueTask<int>(++_calls));
        System.Dynamic.ExpandoObject one = new(), two = new();
        ((IDictionary<string, object?>)one)["a"] = 1;
        ((IDictionary<string, object?>)two)["a"] = 2;
        Assert.Equal((1, 2, 1), (await open(one, default), await open(two, default), await open(one, default)));
    }
}
