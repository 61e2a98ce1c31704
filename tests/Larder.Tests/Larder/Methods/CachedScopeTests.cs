using Larder.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Methods;

/// <summary>Whose results are whose, and what a run may use: implementations, scopes, users.</summary>
public sealed class CachedScopeTests
{
    public interface IWho
    {
        [Cached] Task<string> GetAsync(int id);

        [Invalidates(Methods = [nameof(GetAsync)])] void Change();
    }

    private sealed class Eu : IWho
    {
        public Task<string> GetAsync(int id) => Task.FromResult("eu");

        public void Change()
        {
        }
    }

    private sealed class Us : IWho
    {
        public Task<string> GetAsync(int id) => Task.FromResult("us");

        public void Change()
        {
        }
    }

    [Fact]
    public async Task Implementations_of_one_interface_share_no_results()
    {
        var services = new ServiceCollection();
        services.AddLarder();
        services.AddCachedInterface<IWho, Eu>().AddCachedInterface<IWho, Us>();
        await using ServiceProvider provider = services.BuildServiceProvider();
        await using AsyncServiceScope scope = provider.CreateAsyncScope();
        IWho[] all = [.. scope.ServiceProvider.GetServices<IWho>()];
        Assert.Equal(("eu", "us"), (await all[0].GetAsync(1), await all[1].GetAsync(1)));
        all[0].Change();
        Assert.Contains("@Larder.Tests.Methods.CachedScopeTests+Us", Assert.Single(provider.GetRequiredService<LarderCache>().GetKeys()), StringComparison.Ordinal);
    }

    public interface IOne
    {
        [Cached(Operation = "same")] int Get(int id);
    }

    public interface IOther
    {
        [Cached(Operation = "same")] int Get(int id);
    }

    private sealed class Both : IOne, IOther
    {
        int IOne.Get(int id) => 1;

        int IOther.Get(int id) => 2;
    }

    private sealed class Another : IOne
    {
        public int Get(int id) => 3;
    }

    [Fact]
    public void An_operation_belongs_to_one_method_of_a_cache()
    {
        var services = new ServiceCollection();
        services.AddCachedInterface<IOne, Both>().AddCachedInterface<IOne, Both>();
        Assert.Contains("its operation 'same' is that of IOne.Get", Assert.Throws<ArgumentException>(() => services.AddCachedInterface<IOther, Both>()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => services.AddCachedInterface<IOne, Another>());
        Assert.DoesNotContain(services, service => service.ServiceType == typeof(IOther));
        services.AddCachedInterface<IOther, Both>("other");
    }

    public interface IDatabase
    {
        [Cached(TtlSeconds = 10)] Task<string> GetAsync(int id, CancellationToken token = default);
    }

    /// <summary>What the implementations have in common: when they go on, and how they ended.</summary>
    private sealed class Server
    {
        public TaskCompletionSource Gate { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SemaphoreSlim Ended { get; } = new(0);

        public List<string> Log { get; } = [];

        public int Open;
    }

    private sealed class Connection : IDatabase, IAsyncDisposable
    {
        private readonly Server _server;
        private bool _isClosed;

        public Connection(Server server)
        {
            _server = server;
            Interlocked.Increment(ref server.Open);
        }

        public async Task<string> GetAsync(int id, CancellationToken token = default)
        {
            await _server.Gate.Task;
            lock (_server.Log) _server.Log.Add(_isClosed ? "closed" : "ok");
            _server.Ended.Release();
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return "v";
        }

        public ValueTask DisposeAsync()
        {
            _isClosed = true;
            Interlocked.Decrement(ref _server.Open);
            return default;
        }
    }

    private static ServiceProvider Connected(Server server, TimeProvider? time = null)
    {
        var services = new ServiceCollection();
        if (time is not null) services.AddSingleton(time);
        services.AddSingleton(server);
        services.AddLarder(options => options.DefaultEntry = new() { StaleWhileRevalidate = TimeSpan.FromMinutes(5) });
        services.AddCachedInterface<IDatabase, Connection>();
        return services.BuildServiceProvider(validateScopes: true);
    }

    [Fact]
    public async Task The_scope_of_a_caller_that_leaves_may_end_while_others_wait()
    {
        var server = new Server();
        await using ServiceProvider provider = Connected(server);
        AsyncServiceScope one = provider.CreateAsyncScope();
        await using AsyncServiceScope two = provider.CreateAsyncScope();
        using var leaving = new CancellationTokenSource();
        Task<string> first = one.ServiceProvider.GetRequiredService<IDatabase>().GetAsync(1, leaving.Token);
        Task<string> second = two.ServiceProvider.GetRequiredService<IDatabase>().GetAsync(1);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        // The negative control: the leaver's own implementation is closed from here on.
        IDatabase own = one.ServiceProvider.GetRequiredService<Connection>();
        await one.DisposeAsync();
        server.Gate.SetResult();
        Assert.Equal("v", await second);
        Assert.Equal(["ok"], server.Log);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => own.GetAsync(1));
        Assert.Equal(1, server.Open);
    }

    [Fact]
    public async Task A_refresh_outlives_the_scope_that_began_it_and_ends_its_own()
    {
        var (server, time) = (new Server(), new ManualTimeProvider());
        await using ServiceProvider provider = Connected(server, time);
        server.Gate.SetResult();
        await using (AsyncServiceScope scope = provider.CreateAsyncScope()) await scope.ServiceProvider.GetRequiredService<IDatabase>().GetAsync(1);
        await server.Ended.WaitAsync();
        time.Advance(TimeSpan.FromSeconds(11));
        server.Gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (AsyncServiceScope scope = provider.CreateAsyncScope()) Assert.Equal("v", await scope.ServiceProvider.GetRequiredService<IDatabase>().GetAsync(1));
        server.Gate.SetResult();
        await server.Ended.WaitAsync();
        Assert.Equal(["ok", "ok"], server.Log);
    }

    private sealed class Me
    {
        public string? Name { get; set; }
    }

    public interface IMine
    {
        [Cached] Task<string> OrdersAsync(CancellationToken token = default);

        [Cached(User = "{owner}")] string OrdersOf(string owner);

        [Cached(Shared = true)] string News();
    }

    private sealed class Mine(Me me) : IMine
    {
        public static int Runs;

        public Task<string> OrdersAsync(CancellationToken token = default) => Task.FromResult($"{me.Name}'s, run {Interlocked.Increment(ref Runs)}");

        public string OrdersOf(string owner) => $"{owner}'s for {me.Name}";

        public string News() => $"for {me.Name ?? "all"}";
    }

    private static async Task<TResult> AsAsync<TResult>(ServiceProvider provider, string? user, Func<IMine, Task<TResult>> call)
    {
        await using AsyncServiceScope scope = provider.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Me>().Name = user;
        return await call(scope.ServiceProvider.GetRequiredService<IMine>());
    }

    private static ServiceProvider Owned(Action<IServiceProvider, string>? runAs)
    {
        var services = new ServiceCollection();
        services.AddLarder();
        services.AddScoped<Me>();
        services.AddCachedInterface<IMine, Mine>(user: scope => scope.GetRequiredService<Me>().Name, runAs: runAs);
        return services.BuildServiceProvider(validateScopes: true);
    }

    [Fact]
    public async Task The_current_user_separates_results_and_owns_them()
    {
        await using ServiceProvider provider = Owned((scope, user) => scope.GetRequiredService<Me>().Name = user);
        string anns = await AsAsync(provider, "ann", mine => mine.OrdersAsync());
        Assert.StartsWith("ann's", anns, StringComparison.Ordinal);
        string bobs = await AsAsync(provider, "bob", mine => mine.OrdersAsync());
        Assert.StartsWith("bob's", bobs, StringComparison.Ordinal);
        Assert.Equal(anns, await AsAsync(provider, "ann", mine => mine.OrdersAsync()));
        await provider.GetRequiredService<LarderCache>().InvalidateAsync(Invalidation.User("ann"));
        Assert.NotEqual(anns, await AsAsync(provider, "ann", mine => mine.OrdersAsync()));
        Assert.Equal(bobs, await AsAsync(provider, "bob", mine => mine.OrdersAsync()));
        Assert.StartsWith("'s", await AsAsync(provider, null, mine => mine.OrdersAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_a_method_names_does_not_hide_the_current_one_and_shared_results_are_nobodys()
    {
        await using ServiceProvider provider = Owned((scope, user) => scope.GetRequiredService<Me>().Name = user);
        foreach (string? user in new[] { "ann", "bob", "ann", null })
        {
            Assert.Equal($"ann's for {user}", await AsAsync(provider, user, mine => Task.FromResult(mine.OrdersOf("ann"))));
            Assert.Equal("for all", await AsAsync(provider, user, mine => Task.FromResult(mine.News())));
        }
    }

    [Fact]
    public async Task A_run_that_does_not_know_the_user_is_refused_and_nothing_is_kept()
    {
        await using ServiceProvider provider = Owned(runAs: null);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => AsAsync(provider, "ann", mine => mine.OrdersAsync()));
        Assert.Contains("runAs", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, provider.GetRequiredService<LarderCache>().Statistics.Entries);
    }

    [Fact]
    public void A_method_that_says_of_nobody_whose_result_it_is_is_refused_but_of_a_singleton()
    {
        Assert.Contains("IMine.OrdersAsync: it has no parameters", Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCachedInterface<IMine, Mine>()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCachedInterface<IMine, Mine>(lifetime: ServiceLifetime.Transient));
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCachedInterface<IMine, Mine>(runAs: (_, _) => { }));
        new ServiceCollection().AddCachedInterface<IMine, Mine>(lifetime: ServiceLifetime.Singleton);
    }

    public interface ITagged
    {
        [Cached(Tags = ["one"])] int Get(int id);

        [Cached(Tags = ["one", "two"])] int GetMore(int id);
    }

    private sealed class Tagged : ITagged
    {
        private int _runs;

        public int Get(int id) => ++_runs;

        public int GetMore(int id) => ++_runs;
    }

    [Fact]
    public void Only_the_tags_of_the_program_count()
    {
        var services = new ServiceCollection();
        services.AddLarder(options => options.MaxTags = 1);
        services.AddCachedInterface<ITagged, Tagged>(lifetime: ServiceLifetime.Singleton);
        using ServiceProvider provider = services.BuildServiceProvider();
        ITagged tagged = provider.GetRequiredService<ITagged>();
        Assert.Equal((1, 1), (tagged.Get(1), tagged.Get(1)));
        Assert.Equal((2, 3), (tagged.GetMore(1), tagged.GetMore(1)));
    }
}
