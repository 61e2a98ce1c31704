using System.Reflection;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Hybrid.Internal;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Hosting;

public sealed class NamedCacheTests
{
    private static ServiceProvider Provider(Action<IServiceCollection> add, params (string Field, string Value)[] configuration)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(configuration.Select(c => KeyValuePair.Create(c.Field, (string?)c.Value))).Build());
        add(services);
        return services.BuildServiceProvider();
    }

    private sealed class Asks([FromKeyedServices("reports")] LarderCache cache, [FromKeyedServices("reports")] HybridCache hybrid, [FromKeyedServices("reports")] IDistributedCache distributed, LarderCache unnamed)
    {
        public LarderCache Cache => cache;
        public HybridCache Hybrid => hybrid;
        public IDistributedCache Distributed => distributed;
        public LarderCache Unnamed => unnamed;
    }

    [Fact]
    public async Task A_named_cache_has_faces_and_limits_of_its_own()
    {
        await using ServiceProvider provider = Provider(services =>
        {
            services.AddLarder(o => o.MaxEntries = 5);
            services.AddLarder("reports", o => o.MaxEntries = 7);
            services.AddLarder("other");
            services.AddTransient<Asks>();
        });
        Asks asks = provider.GetRequiredService<Asks>();
        Assert.Equal((7, 5), (asks.Cache.Statistics.MaxEntries, asks.Unnamed.Statistics.MaxEntries));
        Assert.Equal(("reports", ""), (asks.Cache.Name, asks.Unnamed.Name));
        await asks.Hybrid.SetAsync("h", 1);
        await asks.Distributed.SetAsync("d", [1]);
        Assert.True(asks.Cache.Exists("h"));
        Assert.True(asks.Cache.Exists("d"));
        Assert.False(asks.Unnamed.Exists("h"));
        Assert.Same(asks.Unnamed, provider.GetRequiredService<LarderCache>());
        Assert.Same(asks.Cache, provider.GetRequiredKeyedService<LarderCache>("reports"));
        Assert.NotSame(asks.Cache, provider.GetRequiredKeyedService<LarderCache>("other"));
        // Sessions and the like are not put into the cache unasked.
        Assert.Null(provider.GetService<IDistributedCache>());
    }

    [Fact]
    public async Task Two_caches_share_neither_keys_nor_tags_nor_invalidations()
    {
        await using ServiceProvider provider = Provider(services => services.AddLarder("b").Services.AddLarder("a"));
        LarderCache a = provider.GetRequiredKeyedService<LarderCache>("a"), b = provider.GetRequiredKeyedService<LarderCache>("b");
        Invalidation[] all = [Invalidation.Key("k"), Invalidation.Tag("t"), Invalidation.Glob("*"), Invalidation.User("u"), Invalidation.All];
        var options = new EntryOptions { Tags = ["t"], User = "u" };
        await b.SetAsync("k", "b", options);
        foreach (Invalidation invalidation in all)
        {
            Assert.False(a.Exists("k"));
            await a.SetAsync("k", "a", options);
            await a.InvalidateAsync(invalidation);
            Assert.Equal((false, "b"), (a.Exists("k"), b.GetLocal<string>("k").Value));
        }
        Assert.Null(provider.GetService<LarderCache>());
        Assert.Null(provider.GetService<HybridCache>());
    }

    [Fact]
    public void Larder_is_the_hybrid_cache_when_AddHybridCache_comes_before_it()
    {
        using ServiceProvider provider = Provider(services =>
        {
            services.AddHybridCache();
            services.AddLarder();
        });
        Assert.IsType<LarderHybridCache>(Assert.Single(provider.GetServices<HybridCache>()));
    }

    [Fact]
    public void Larder_is_the_hybrid_cache_when_AddHybridCache_comes_after_it()
    {
        using ServiceProvider provider = Provider(services =>
        {
            services.AddLarder();
            services.AddHybridCache();
        });
        Assert.IsType<LarderHybridCache>(Assert.Single(provider.GetServices<HybridCache>()));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task AddHybridCache_does_not_loosen_what_is_stored(bool before)
    {
        await using ServiceProvider provider = Provider(services =>
        {
            if (before) services.AddHybridCache();
            services.AddLarder();
            if (!before) services.AddHybridCache();
        });
        LarderCache cache = provider.GetRequiredService<LarderCache>();
        Assert.Equal(Reason.UnstoredUnserializable, await cache.SetAsync("k", new Dictionary<string, object> { ["a"] = 1 }));
        Assert.Equal(Reason.UnstoredUnserializable, await cache.SetAsync("k", new List<string> { "half \ud800" }));
        // The one it registers would take the type.
        Assert.True(provider.GetRequiredService<IHybridCacheSerializerFactory>().TryCreateSerializer(out IHybridCacheSerializer<Dictionary<string, object>>? lenient));
        lenient!.Serialize(new() { ["a"] = 1 }, new System.Buffers.ArrayBufferWriter<byte>());
        await provider.GetRequiredService<HybridCache>().SetAsync("s", new byte[] { 1, 2 });
        Assert.Equal([1, 2], cache.GetLocal<byte[]>("s").Value);
    }

    [Fact]
    public void A_serializer_of_the_program_counts_beside_those_of_AddHybridCache()
    {
        var own = new Own();
        using ServiceProvider first = Provider(services => services.AddSingleton<IHybridCacheSerializer<string>>(own).AddHybridCache());
        using ServiceProvider last = Provider(services => services.AddHybridCache().AddSingleton<IHybridCacheSerializer<string>>(own));
        using ServiceProvider none = Provider(services => services.AddHybridCache());
        Assert.Same(own, new Serializers(first).For<string>());
        Assert.Same(own, new Serializers(last).For<string>());
        Assert.IsType<TextSerializer>(new Serializers(none).For<string>());
        Assert.IsType<BytesSerializer>(new Serializers(none).For<byte[]>());
    }

    private sealed class Own : IHybridCacheSerializer<string>
    {
        public string Deserialize(System.Buffers.ReadOnlySequence<byte> source) => throw new NotSupportedException();

        public void Serialize(string value, System.Buffers.IBufferWriter<byte> target) => throw new NotSupportedException();
    }

    [Fact]
    public void What_decorates_Larders_face_is_not_taken_away_by_a_second_call()
    {
        using ServiceProvider provider = Provider(services =>
        {
            services.AddLarder(o => o.MaxEntries = 5);
            services.Replace(ServiceDescriptor.Singleton<HybridCache, DefaultHybridCache>());
            services.AddLarder(o => o.MaxTags = 3);
        });
        Assert.IsType<DefaultHybridCache>(provider.GetRequiredService<HybridCache>());
        LarderOptions options = provider.GetRequiredService<IOptions<LarderOptions>>().Value;
        Assert.Equal((5, 3), (options.MaxEntries, options.MaxTags));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sessions")]
    public void The_programs_distributed_cache_is_Larder_where_that_is_asked_for(string name)
    {
        using ServiceProvider provider = Provider(services =>
        {
            services.AddDistributedMemoryCache();
            ILarderBuilder builder = name == "" ? services.AddLarder() : services.AddLarder(name);
            Assert.Equal(name, builder.Name);
            builder.AddDistributedCache();
            services.AddDistributedMemoryCache();
        });
        IDistributedCache distributed = Assert.Single(provider.GetServices<IDistributedCache>());
        distributed.Set("k", [1]);
        Assert.True((name == "" ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(name)).Exists("k"));
    }

    [Fact]
    public void Options_come_from_their_section_which_wins_over_code()
    {
        using ServiceProvider provider = Provider(
            services =>
            {
                services.AddLarder(o => (o.MaxEntries, o.MaxTags) = (1, 2));
                services.AddLarder("reports", o => o.MaxEntries = 3);
            },
            ("Larder:MaxEntries", "10"), ("Larder:DefaultTtl", "00:05:00"), ("Larder:keys:queryorder", "AsSent"), ("Larder:reports:MaxEntries", "20"),
            ("Larder:reports:HybridCache:DefaultEntryOptions:Expiration", "00:02:00"), ("Larder:reports:HybridCache:DefaultEntryOptions:Flags", "DisableCompression, DisableLocalCacheRead"));
        var options = provider.GetRequiredService<IOptionsMonitor<LarderOptions>>();
        Assert.Equal((10, 2, TimeSpan.FromMinutes(5), QueryOrder.AsSent), (options.CurrentValue.MaxEntries, options.CurrentValue.MaxTags, options.CurrentValue.DefaultTtl, options.CurrentValue.Keys.QueryOrder));
        LarderOptions reports = options.Get("reports");
        Assert.Equal((20, 20, TimeSpan.FromHours(1)), (reports.MaxEntries, reports.MaxTags, reports.DefaultTtl));
        HybridCacheEntryOptions entry = reports.HybridCache.DefaultEntryOptions!;
        Assert.Equal((TimeSpan.FromMinutes(2), null, HybridCacheEntryFlags.DisableCompression | HybridCacheEntryFlags.DisableLocalCacheRead), (entry.Expiration, entry.LocalCacheExpiration, entry.Flags));
        Assert.Equal(20, provider.GetRequiredKeyedService<LarderCache>("reports").Statistics.MaxEntries);
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_the_start_with_cache_field_value_and_range()
    {
        using ServiceProvider provider = Provider(
            services => services.AddLarder(o => o.MaxTags = -1).Services.AddLarder("reports", o => o.MaxKeyLength = 0),
            ("Larder:MaxEntries", "many"), ("Larder:DefaultTtl", "5"), ("Larder:reports:MaxBytes", "-1"), ("Larder:reports:Keys:QueryOrder", "1"), ("Larder:reports:Keys:Measure", "perhaps"),
            ("Larder:reports:MaxEntryBytes", "1e3"), ("Larder:reports:HybridCache:MaximumKeyLength", new string('9', 300)));
        var errors = Assert.Throws<AggregateException>(provider.GetRequiredService<IStartupValidator>().Validate);
        string[] failures = [.. errors.InnerExceptions.Cast<OptionsValidationException>().SelectMany(e => e.Failures)];
        string[] expected =
        [
            "MaxEntries is 'many'; needed is a whole number up to 2,147,483,647.",
            "DefaultTtl is '5'; needed is a time span such as 00:05:00.",
            "MaxTags is -1; allowed is 0 to 1,000.",
            "Cache 'reports': MaxBytes is -1; allowed is 0 to 1 TB.",
            "Cache 'reports': Keys.QueryOrder is '1'; needed is one of Sorted, AsSent.",
            "Cache 'reports': Keys.Measure is 'perhaps'; needed is true or false.",
            "Cache 'reports': MaxEntryBytes is '1e3'; needed is a whole number of bytes.",
            "Cache 'reports': HybridCache.MaximumKeyLength is '" + new string('9', 100) + "…'; needed is a whole number up to 2,147,483,647.",
            "Cache 'reports': MaxKeyLength is 0; allowed is 1 to 65,536.",
        ];
        Assert.Equal(expected.Order(), failures.Order());
        var error = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredKeyedService<LarderCache>("reports"));
        Assert.Contains("Cache 'reports': MaxBytes is -1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_section_that_is_missing_is_a_problem_and_not_an_accident()
    {
        using ServiceProvider provider = Provider(
            services => services.AddLarder(o => (o.Compression, o.Snapshot, o.DefaultEntry) = (null!, null!, null!)),
            ("Larder:Compression:Level", "3"), ("Larder:Snapshot:Path", "x"), ("Larder:DefaultEntry:Jitter", "0.1"));
        var error = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<LarderCache>);
        Assert.Equal(["Compression is null", "DefaultEntry is null", "Snapshot is null"], error.Failures.Select(f => f.Split(';')[0]).Order());
    }

    [Fact]
    public void Fields_that_nobody_knows_are_told_and_passed_over()
    {
        var log = new RecordingLogger<LarderCache>();
        using ServiceProvider provider = Provider(
            services =>
            {
                services.AddSingleton<ILogger<LarderCache>>(log);
                services.AddLarder();
                services.AddLarder("reports");
            },
            ("Larder:MaxEntrys", "1"), ("Larder:Keys:Mesure", "true"), ("Larder:reports:Max", "1"), ("Larder:REPORTS:MaxTags", "1"), ("Larder:Reports:Keys:Mesure", "true"),
            ("Larder:Compresion:Algorithm", "Brotli"), ("Larder:nobodys:MaxEntries", "1"), ("Larder:nobodys:Keys:Measure", "true"), ("Larder:Snapshot:Path:More", "1"));
        provider.GetRequiredService<LarderCache>();
        provider.GetRequiredKeyedService<LarderCache>("reports");
        string[] unknown =
        [
            "Larder:Compresion:Algorithm", "Larder:Keys:Mesure", "Larder:MaxEntrys", "Larder:Snapshot:Path:More",
            "Larder:nobodys:Keys:Measure", "Larder:nobodys:MaxEntries", "Larder:reports:Keys:Mesure", "Larder:reports:Max",
        ];
        Assert.Equal(unknown.Order(StringComparer.OrdinalIgnoreCase), log.Lines.Select(l => l.Text.Split(' ')[3]).Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);
        Assert.All(log.Lines, l => Assert.Equal((31, LogLevel.Warning), (l.Id, l.Level)));
    }

    [Fact]
    public void A_field_with_a_value_and_children_is_read_and_so_are_they()
    {
        var log = new RecordingLogger<LarderCache>();
        using ServiceProvider provider = Provider(
            services => services.AddSingleton<ILogger<LarderCache>>(log).AddLarder(),
            ("Larder:Keys", "of no use"), ("Larder:Keys:Measure", "true"), ("Larder:MaxEntries", "7"), ("Larder:MaxEntries:Soft", "5"));
        LarderOptions options = provider.GetRequiredService<IOptions<LarderOptions>>().Value;
        Assert.Equal((7, true), (options.MaxEntries, options.Keys.Measure));
        Assert.Equal(["Larder:Keys", "Larder:MaxEntries:Soft"], log.Lines.Select(l => l.Text.Split(' ')[3]).Order());
    }

    [Fact]
    public async Task A_host_tells_what_is_wrong_with_each_of_its_caches_at_once()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddLarder(o => o.MaxEntries = -1);
        builder.Services.AddLarder("reports", o => o.MaxBytes = -1);
        builder.Services.AddLarder("pages", o => o.MaxTags = -1);
        using IHost host = builder.Build();
        var error = await Assert.ThrowsAsync<AggregateException>(() => host.StartAsync());
        Assert.Equal(
            ["Cache 'pages': MaxTags", "Cache 'reports': MaxBytes", "MaxEntries"],
            error.InnerExceptions.Select(e => e.Message.Split(" is ")[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_that_differ_by_case_alone_are_refused()
    {
        var services = new ServiceCollection();
        services.AddLarder("reports");
        services.AddLarder("reports");
        var error = Assert.Throws<ArgumentException>(() => services.AddLarder("Reports"));
        Assert.Contains("'Reports' beside 'reports'", error.Message, StringComparison.Ordinal);
        services.AddLarder("reports2");
    }

    [Fact]
    public void Every_option_that_can_be_written_can_be_configured()
    {
        string[] settable =
        [
            .. Settable("", typeof(LarderOptions)), .. Settable("DefaultEntry:", typeof(EntryOptions)), .. Settable("Keys:", typeof(KeyOptions)), .. Settable("InvalidationsPerHour:", typeof(InvalidationThresholds)), .. Settable("Compression:", typeof(CompressionOptions)), .. Settable("Snapshot:", typeof(SnapshotOptions)), .. Settable("HybridCache:", typeof(LarderHybridCacheOptions)),
            .. Settable("DistributedCache:", typeof(LarderDistributedCacheOptions)), .. typeof(HybridCacheEntryOptions).GetProperties().Select(p => "HybridCache:DefaultEntryOptions:" + p.Name),
        ];
        string[] notText = ["DefaultEntry", .. new[] { "Ttl", "Tags", "User", "ShareInstance", "Size", "Priority", "StoreWhen" }.Select(own => "DefaultEntry:" + own), "Weigher", "Compression", "Snapshot", "HybridCache:DefaultEntryOptions"];
        Assert.Equal(settable.Except(notText).Order(), LarderConfiguration.Paths.Order());

        static IEnumerable<string> Settable(string path, Type type) =>
            type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null).Select(p => path + p.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a:b")]
    [InlineData("maxentries")]
    [InlineData("Keys")]
    [InlineData("DefaultEntry")]
    [InlineData("compression")]
    [InlineData("Weigher")]
    public void Names_whose_settings_could_not_be_found_are_refused(string name) =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddLarder(name));

    [Fact]
    public void Without_a_configuration_code_alone_decides()
    {
        var services = new ServiceCollection();
        services.AddLarder("x", o => o.MaxEntries = 3);
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal(3, provider.GetRequiredKeyedService<LarderCache>("x").Statistics.MaxEntries);
    }
}
