using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/cached-methods.md.</summary>
public sealed class CachedMethodsExample
{
    public sealed record Prompt(string Id, string Text);

    public interface IPrompts
    {
        [Cached(TtlSeconds = 120, Tags = ["prompt:{id}"])]
        Task<Prompt?> GetAsync(string id, CancellationToken cancellationToken = default);

        [Cached(TtlSeconds = 180, User = "{userId}")]
        Task<List<Prompt>> ListAsync(string userId, CancellationToken cancellationToken = default);

        [Invalidates(Tags = ["prompt:{prompt.Id}"], Methods = [nameof(ListAsync)])]
        Task SaveAsync(Prompt prompt, CancellationToken cancellationToken = default);
    }

    public sealed class Prompts : IPrompts
    {
        private readonly Dictionary<string, Prompt> _prompts = [];

        public int Reads { get; private set; }

        public Task<Prompt?> GetAsync(string id, CancellationToken cancellationToken = default)
        {
            Reads++;
            return Task.FromResult(_prompts.GetValueOrDefault(id));
        }

        public Task<List<Prompt>> ListAsync(string userId, CancellationToken cancellationToken = default) => Task.FromResult<List<Prompt>>([.. _prompts.Values]);

        public Task SaveAsync(Prompt prompt, CancellationToken cancellationToken = default)
        {
            _prompts[prompt.Id] = prompt;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Attributes_run()
    {
        var services = new ServiceCollection();

        services.AddLarder();
        services.AddCachedInterface<IPrompts, Prompts>();

        await using ServiceProvider provider = services.BuildServiceProvider();
        await using AsyncServiceScope scope = provider.CreateAsyncScope();
        var prompts = scope.ServiceProvider.GetRequiredService<IPrompts>();
        await prompts.SaveAsync(new("1", "old"));
        await prompts.GetAsync("1");
        await prompts.GetAsync("1");
        await prompts.SaveAsync(new("1", "new"));
        Assert.Equal("new", (await prompts.GetAsync("1"))!.Text);
        Assert.Equal(2, scope.ServiceProvider.GetRequiredService<Prompts>().Reads);
    }

    [Fact]
    public async Task Functions_run()
    {
        using var cache = new LarderCache();
        var source = new Prompts();

        var get = cache.Wrap(
            "prompt.get", (string id, CancellationToken token) => new ValueTask<Prompt?>(source.GetAsync(id, token)),
            id => new EntryOptions { Ttl = TimeSpan.FromMinutes(2), Tags = [$"prompt:{id}"] });
        var save = cache.WrapWrite(
            (Prompt prompt, CancellationToken token) => new ValueTask(source.SaveAsync(prompt, token)),
            prompt => [Invalidation.Tag($"prompt:{prompt.Id}")]);

        await save(new("1", "old"), default);
        Assert.Equal("old", (await get("1", default))!.Text);
        await get("1", default);
        await save(new("1", "new"), default);
        Assert.Equal("new", (await get("1", default))!.Text);
        Assert.Equal(2, source.Reads);
    }
}
