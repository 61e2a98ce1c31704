using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Configuration;

public sealed class LarderOptionsTests
{
    private static readonly string[] Fields =
    [
        nameof(LarderOptions.MaxEntries), nameof(LarderOptions.MaxBytes), nameof(LarderOptions.DefaultTtl),
        nameof(LarderOptions.MaxKeyLength), nameof(LarderOptions.MaxEntryBytes), nameof(LarderOptions.MaxTags),
        nameof(LarderOptions.InvalidationHistory),

        "Compression.Algorithm", "Compression.Level", "Compression.Threshold",
        "Snapshot.Path", "Snapshot.Interval", "Snapshot.MaxBytes", "Snapshot.Owner",
    ];

    private static void Break(LarderOptions options)
    {
        options.MaxEntries = -1;
        options.MaxBytes = -1;
        options.DefaultTtl = TimeSpan.Zero;
        options.MaxKeyLength = 0;
        options.MaxEntryBytes = 0;
        options.MaxTags = -1;
        options.InvalidationHistory = -1;

        options.Compression = new() { Algorithm = (CompressionAlgorithm)7, Level = 10, Threshold = -1 };
        options.Snapshot = new() { Path = "directory/", Interval = TimeSpan.Zero, MaxBytes = 1, Owner = new('o', 257) };
    }

    [Fact]
    public void Every_field_that_is_wrong_is_named_at_once()
    {
        var options = new LarderOptions();
        Break(options);
        var error = Assert.Throws<ArgumentException>(() => new LarderCache(options));
        Assert.All(Fields, f => Assert.Contains(f + " is ", error.Message, StringComparison.Ordinal));
        Assert.Contains("MaxEntries is -1; allowed is 0 to 100,000,000.", error.Message, StringComparison.Ordinal);
        var validator = new LarderOptionsValidator();
        Assert.True(validator.Validate(null, new()).Succeeded);
        Assert.Single(validator.Validate(null, new() { DefaultTtl = TimeSpan.FromDays(366) }).Failures!);
        Assert.Equal(["Compression.Level is 0; allowed is 1 to 9."], validator.Validate(null, new() { Compression = { Level = 0 } }).Failures!);
        Assert.Equal(["Snapshot.Interval is 00:01:00; allowed is none without Snapshot.Path."], validator.Validate(null, new() { Snapshot = { Interval = TimeSpan.FromMinutes(1) } }).Failures!);
        Assert.True(validator.Validate(null, new() { Snapshot = { Path = "cache.snapshot", Interval = TimeSpan.FromMinutes(1) } }).Succeeded);
        Assert.Equal(2, validator.Validate(null, new() { Compression = null!, Snapshot = null! }).Failures!.Count());
    }

    [Fact]
    public void The_defaults_are_the_promised_ones()
    {
        var options = new LarderOptions();
        Assert.Equal((1000, 100L * 1024 * 1024, TimeSpan.FromSeconds(3600)), (options.MaxEntries, options.MaxBytes, options.DefaultTtl));
        Assert.Equal((20, 1024), (options.MaxTags, options.MaxKeyLength));
        Assert.Equal((CompressionAlgorithm.None, 1000, 6), (options.Compression.Algorithm, options.Compression.Threshold, options.Compression.Level));
    }

    [Fact]
    public async Task What_an_instance_weighs_is_known_for_structs_URIs_and_texts()
    {
        using var cache = new LarderCache(new() { MaxBytes = 1 << 20, MaxEntries = 100_000 });
        for (int i = 0; i < 500; i++) await cache.SetAsync("k" + i, new Big());
        Assert.InRange(cache.Statistics.Entries * 10_000L, 500_000, 1 << 20);
        using var uris = new LarderCache(new() { MaxBytes = 1 << 20 });
        for (int i = 0; i < 50; i++) await uris.SetAsync("k" + i, new Uri("http://h/" + new string('a', 50_000)));
        Assert.InRange(uris.Statistics.Entries * 100_000L, 500_000, 1 << 20);
    }

    [System.Runtime.CompilerServices.InlineArray(10_000)]
    private struct Big
    {
        private byte _first;
    }

    [Theory, InlineData('語', 600, 1), InlineData('語', 333, 0), InlineData('a', 999, 0), InlineData('a', 1000, 1), InlineData('é', 500, 1)]
    public async Task The_threshold_of_compression_is_one_of_bytes(char of, int length, int tried)
    {
        using var cache = new LarderCache(new() { Compression = { Algorithm = CompressionAlgorithm.Zlib } });
        await cache.SetAsync("k", new string(of, length));
        Assert.Equal(tried, cache.Compression.Tried);
    }

    [Fact]
    public async Task AddLarder_registers_the_cache_and_a_hybrid_cache_over_it()
    {
        var services = new ServiceCollection();
        ILarderBuilder builder = services.AddLarder(o => o.MaxEntries = 7);
        Assert.Same(services, builder.Services);
        await using ServiceProvider provider = services.BuildServiceProvider();
        LarderCache cache = provider.GetRequiredService<LarderCache>();
        Assert.Equal(7, cache.Statistics.MaxEntries);
        HybridCache hybrid = provider.GetRequiredService<HybridCache>();
        await hybrid.SetAsync("k", "v");
        Assert.Equal("v", cache.GetLocal<string>("k").Value);
    }

    [Fact]
    public void Wrong_options_fail_at_the_first_use_and_at_the_start()
    {
        var services = new ServiceCollection();
        services.AddLarder(Break);
        using ServiceProvider provider = services.BuildServiceProvider();
        var error = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<LarderCache>);
        Assert.Equal(Fields.Length, error.Failures.Count());
        Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IStartupValidator>().Validate);
        Assert.Throws<ArgumentNullException>(() => LarderServiceCollectionExtensions.AddLarder(null!));
    }

    [Fact]
    public async Task Options_of_an_entry_are_checked_when_something_is_made_of_them()
    {
        using var cache = new LarderCache();
        var wrong = new EntryOptions { Ttl = TimeSpan.FromSeconds(-1) };
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("v"), wrong));
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.SetAsync("k", "v", wrong));
        await cache.SetAsync("k", "v");
        Assert.Equal("v", await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("w"), wrong));
    }

    [Fact]
    public void A_cache_can_be_made_where_the_execution_context_does_not_flow()
    {
        using AsyncFlowControl flow = ExecutionContext.SuppressFlow();
        using var cache = new LarderCache();
        Assert.True(ExecutionContext.IsFlowSuppressed());
    }
}
