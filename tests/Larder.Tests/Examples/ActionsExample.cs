namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/actions.md.</summary>
public sealed class ActionsExample
{
    private sealed class Store
    {
        private readonly List<string> _prompts = [];

        public ValueTask<string[]> ListAsync(CancellationToken token) => new(_prompts.ToArray());

        public ValueTask<string> CreateAsync(string text, CancellationToken token)
        {
            _prompts.Add(text);
            return new("1");
        }
    }

    [Fact]
    public async Task Runs()
    {
        using var cache = new LarderCache();
        var store = new Store();
        string userId = "ann";

        var actions = new ActionCache(cache);

        string[] prompts = await actions.RunAsync("prompt.list", [("page", 1)], userId, token => store.ListAsync(token));
        string id = await actions.RunAsync("prompt.create", default, userId, token => store.CreateAsync("Hello", token));
        prompts = await actions.RunAsync("prompt.list", [("page", 1)], userId, token => store.ListAsync(token));

        Assert.Equal(("1", "Hello"), (id, Assert.Single(prompts)));

        var options = new ActionCacheOptions();
        options.Ttls["*.list"] = TimeSpan.FromMinutes(5);
        options.Ttls["prompt.draft.*"] = TimeSpan.Zero;
        options.WriteVerbs.Add("publish");
        var tuned = new ActionCache(cache, options);

        Assert.Equal(TimeSpan.FromMinutes(5), tuned.TtlOf("prompt.list"));
        Assert.Equal(TimeSpan.Zero, tuned.TtlOf("prompt.draft.list"));
        Assert.True(tuned.IsWrite("prompt.publish"));
    }
}
