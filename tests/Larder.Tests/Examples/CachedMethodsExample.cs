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

    /// <summary>What a database is to a program.</summary>
    public sealed class Table
    {
        public Dictionary<string, Prompt> Rows { get; } = [];

        public int Reads { get; set; }
    }

    public sealed class Prompts(Table table) : IPrompts
    {

        public Task<Prompt?> GetAsync(string id, CancellationToken cancellationToken = default)
        {
            table.Reads++;
            return Task.FromResult(table.Rows.GetValueOrDefault(id));
        }

        public Task<List<Prompt>> ListAsync(string userId, CancellationToken cancellationToken = default) => Task.FromResult<List<Prompt>>([.. table.Rows.Values]);

        public Task SaveAsync(Prompt prompt, CancellationToken cancellationToken = default)
        {
            table.Rows[prompt.Id] = prompt;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Attributes_run()
    {
        var services = new ServiceCollection();
        services.AddSingleton<Table>();

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
        Assert.Equal(2, provider.GetRequiredService<Table>().Reads);
    }

    public sealed class CurrentUser
    {
        public string? Id { get; set; }
    }

    public interface IInbox
    {
        [Cached]
        Task<string> MessagesAsync(CancellationToken cancellationToken = default);
    }

    public sealed class Inbox(CurrentUser user) : IInbox
    {
        public Task<string> MessagesAsync(CancellationToken cancellationToken = default) => Task.FromResult($"messages of {user.Id}");
    }

    [Fact]
    public async Task The_current_user_is_told()
    {
        var services = new ServiceCollection();
        services.AddLarder();

        services.AddScoped<CurrentUser>();
        services.AddCachedInterface<IInbox, Inbox>(
            user: scope => scope.GetRequiredService<CurrentUser>().Id,
            runAs: (scope, id) => scope.GetRequiredService<CurrentUser>().Id = id);

        await using ServiceProvider provider = services.BuildServiceProvider();
        foreach (string id in new[] { "ann", "bob", "ann" })
        {
            await using AsyncServiceScope scope = provider.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<CurrentUser>().Id = id;
            Assert.Equal($"messages of {id}", await scope.ServiceProvider.GetRequiredService<IInbox>().MessagesAsync());
        }
    }

    [Fact]
    public async Task Functions_run()
    {
        using var cache = new LarderCache();
        var table = new Table();
        var source = new Prompts(table);

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
        Assert.Equal(2, table.Reads);
    }
}
