namespace Larder.Tests.Faces;

public sealed class ActionCacheTests : IDisposable
{
    private readonly LarderCache _cache = new();
    private readonly ActionCache _actions;
    private int _runs;

    public ActionCacheTests() => _actions = new(_cache);

    public void Dispose() => _cache.Dispose();

    private async Task<int> RunAsync(string action, string? user = null, KeyParameters parameters = default) =>
        await _actions.RunAsync(action, parameters, user, _ => new ValueTask<int>(++_runs));

    [Fact]
    public async Task Get_get_update_get_runs_the_handler_twice()
    {
        KeyParameters parameters = [("id", 1)];
        Assert.Equal((1, 1), (await RunAsync("prompt.get", null, parameters), await RunAsync("prompt.get", null, parameters)));
        await RunAsync("prompt.update", null, parameters);
        Assert.Equal(3, await RunAsync("prompt.get", null, parameters));
    }

    [Fact]
    public async Task A_create_ends_the_list_get_and_search_of_its_resource_for_all_users_and_nothing_else()
    {
        string[] ended = ["prompt.list", "prompt.get", "prompt.search", "prompt.comment.list"], kept = ["prompts.list", "pipeline.status", "story.prompt.list", "list"];
        foreach (string? user in new[] { null, "ann", "bob" })
            foreach (string action in ended.Concat(kept)) await RunAsync(action, user);
        await RunAsync("prompt.create", "ann");
        foreach (string? user in new[] { null, "ann", "bob" })
        {
            foreach (string action in kept) Assert.True(await RunAsync(action, user) <= 24, action);
            foreach (string action in ended) Assert.True(await RunAsync(action, user) > 25, action);
        }
    }

    [Theory]
    [InlineData("pipeline.execute")]
    [InlineData("prompt.create")]
    [InlineData("Prompt.UPDATE")]
    [InlineData("prompt.delete")]
    [InlineData("tag.add")]
    [InlineData("tag.remove")]
    [InlineData("cache.clear")]
    [InlineData("image.generate")]
    public async Task A_write_is_never_cached(string action)
    {
        Assert.Equal((1, 2), (await RunAsync(action), await RunAsync(action)));
        Assert.Equal(0, _cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_write_that_fails_ends_nothing_and_one_that_succeeds_cancelled_ends_its_reads()
    {
        await RunAsync("prompt.list");
        await Assert.ThrowsAsync<FormatException>(async () => await _actions.RunAsync<int>("prompt.create", default, null, _ => throw new FormatException()));
        Assert.Equal(1, await RunAsync("prompt.list"));
        using var source = new CancellationTokenSource();
        await _actions.RunAsync("prompt.create", default, null, _ => { source.Cancel(); return new ValueTask<int>(0); }, source.Token);
        Assert.Equal(2, await RunAsync("prompt.list"));
    }

    [Fact]
    public async Task A_read_that_began_before_a_write_ended_is_handed_out_and_not_kept()
    {
        var gate = new TaskCompletionSource<int>();
        Task<int> old = _actions.RunAsync("prompt.list", default, null, _ => new ValueTask<int>(gate.Task)).AsTask();
        await RunAsync("prompt.create");
        gate.SetResult(-1);
        Assert.Equal(-1, await old);
        Assert.NotEqual(-1, await RunAsync("prompt.list"));
    }

    [Fact]
    public async Task Parameters_and_users_separate_results_and_users_own_theirs()
    {
        Assert.Equal((1, 2, 3), (await RunAsync("a.list"), await RunAsync("a.list", "ann"), await RunAsync("a.list", null, [("page", 2)])));
        Assert.Equal((1, 2, 3), (await RunAsync("a.list"), await RunAsync("a.list", "ann"), await RunAsync("a.list", null, [("page", 2)])));
        await _cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.Equal((1, 4), (await RunAsync("a.list"), await RunAsync("a.list", "ann")));
    }

    [Theory]
    [InlineData("prompt.list", 180)]
    [InlineData("pipeline.status", 60)]
    [InlineData("prompt.get", 120)]
    [InlineData("prompt.search", 60)]
    [InlineData("text.analyze", 120)]
    [InlineData("api.schema", 3600)]
    [InlineData("app.config", 600)]
    [InlineData("app.health.check", 300)]
    [InlineData("app.metrics.get", 300)]
    [InlineData("metrics.get", 300)]
    [InlineData("LIST", 180)]
    [InlineData("app.enlist", 300)]
    [InlineData("other", 300)]
    [InlineData("app.execute", 0)]
    public async Task Lifetimes_are_those_of_the_longest_pattern(string action, int seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), _actions.TtlOf(action));
        await RunAsync(action);
        TimeSpan? left = _cache.GetTimeToLive(_cache.Keys.ForEndpoint(action));
        if (seconds == 0) Assert.Null(left);
        else Assert.InRange(left!.Value.TotalSeconds, seconds - 30, seconds);
    }

    [Fact]
    public async Task Lifetimes_and_verbs_can_be_changed()
    {
        var options = new ActionCacheOptions();
        options.Ttls.Remove("*");
        options.Ttls["prompt.*"] = TimeSpan.FromSeconds(7);
        options.Ttls["prompt.now.list"] = TimeSpan.Zero;
        options.WriteVerbs.Add("send");
        var actions = new ActionCache(_cache, options);
        Assert.Equal([7, 0, 180, 0, 0], new[] { "prompt.list", "prompt.now.list", "x.list", "x.other", "prompt.send" }.Select(action => (int)actions.TtlOf(action).TotalSeconds));
        Assert.Equal((1, 2), (await actions.RunAsync("x.other", default, null, _ => new ValueTask<int>(++_runs)), await actions.RunAsync("x.other", default, null, _ => new ValueTask<int>(++_runs))));
    }

    [Fact]
    public async Task What_is_no_action_and_options_that_cannot_work_are_refused()
    {
        foreach (string action in new[] { "", ".", "a.", ".a", "a..b", "a b", "a:b", "ä.list", "a*", new string('a', 201) })
            await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(action));
        await RunAsync(new string('a', 195) + ".list");
        await RunAsync(new string('a', 193) + ".create");
        var options = new ActionCacheOptions();
        options.Ttls["a*b"] = TimeSpan.FromSeconds(-1);
        options.WriteVerbs.Add("a.b");
        string message = Assert.Throws<ArgumentException>(() => new ActionCache(_cache, options)).Message;
        Assert.Contains("'a*b' is no pattern", message, StringComparison.Ordinal);
        Assert.Contains("lifetime of 'a*b'", message, StringComparison.Ordinal);
        Assert.Contains("'a.b' is no verb", message, StringComparison.Ordinal);
    }
}
