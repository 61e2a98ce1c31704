using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Values and keys that are too large, made here or put there by a stranger: callers are given what they ask for, and everything else goes on.</summary>
[Collection(HostileTests.Measured)]
public sealed class SizeTests
{
    private const int Mebibyte = 1 << 20, MostReply = Mebibyte, Huge = 100 * Mebibyte;
    /// <summary>What a look may take beside the value itself.</summary>
    private const long MostGrowth = 48 * Mebibyte;
    private const string Sized = "huge";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<Stage> StartAsync(Action<RedisOptions>? redis = null, Func<LarderOptions>? cache = null) => Stage.StartAsync(new()
    {
        Cache = cache ?? (static () => new()),
        Options = options =>
        {
            AbsenceTests.Patient(options);
            // An answer that is under way is a sign of life, but what comes behind it has to wait for it.
            options.Silence = TimeSpan.FromSeconds(5);
            redis?.Invoke(options);
        },
    });

    private static byte[] Value(int length)
    {
        byte[] value = GC.AllocateUninitializedArray<byte>(length);
        new Random(length).NextBytes(value);
        return value;
    }

    /// <summary>Small values on a node, all of which have to be answered.</summary>
    private static Task SmallOnesAsync(RedisNode node, string prefix) => Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        Assert.Equal($"{prefix}{i}", (await node.GetOrMakeAsync($"{prefix}{i}", $"{prefix}{i}")).Value)));

    /// <summary>Until the connection of a node's commands, which is another one than the log's, is there again.</summary>
    private static async Task UntilItAnswersAsync(RedisNode node)
    {
        while ((await node.Cache.InvalidateAsync(Invalidation.Tag("other"), cancellationToken: Token)).Status != InvalidationStatus.Acknowledged) await Task.Delay(5, Token);
        await node.UntilIdleAsync();
    }

    [Fact]
    [Trait("fault", "18"), Trait("clause", "R-16")]
    public async Task A_value_over_the_limit_of_Redis_stays_in_memory_and_ends_what_it_replaces()
    {
        await using Stage stage = await StartAsync();
        byte[] fits = Value(7 * Mebibyte), large = Value(9 * Mebibyte);
        Assert.Equal(Reason.MissCold, (await stage.A.GetOrMakeAsync("fits", fits)).Reason);
        Assert.Equal(Reason.MissCold, (await stage.A.GetOrMakeAsync(Sized, large)).Reason);
        await SmallOnesAsync(stage.A, "a");
        await stage.A.UntilIdleAsync();
        Assert.Null(await stage.SlotAsync(Sized));
        Assert.Equal(Reason.HitMemory, (await stage.A.GetOrMakeAsync(Sized, large)).Reason);
        (byte[] made, Reason reason) = await stage.B.GetOrMakeAsync(Sized, large);
        Assert.Equal((Reason.MissCold, true), (reason, large.AsSpan().SequenceEqual(made)));
        // It is the size: a smaller one is found there, and set to a larger one it is gone.
        (byte[] found, reason) = await stage.B.GetOrMakeAsync("fits", large);
        Assert.Equal((Reason.HitRedis, true), (reason, fits.AsSpan().SequenceEqual(found)));
        Assert.Equal(Reason.None, await stage.A.Cache.SetAsync("fits", large, cancellationToken: Token));
        await stage.A.UntilIdleAsync();
        Assert.Null(await stage.SlotAsync("fits"));
        Assert.All(stage.Nodes, node => Assert.Equal((RemoteTierState.InUse, 0), (node.Cache.RemoteTier!.State, node.Cache.RemoteTier!.Dropped)));
    }

    [Fact]
    [Trait("fault", "18")]
    public async Task Half_a_gibibyte_is_served_and_stored_nowhere()
    {
        await using Stage stage = await StartAsync();
        // Text is kept as it is: of bytes each caller gets a copy of his own, stored or not.
        var huge = new string('x', 512 * Mebibyte / sizeof(char));
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 1; i <= 3; i++)
        {
            (string served, Reason reason) = await stage.A.GetOrMakeAsync(Sized, huge);
            Assert.Equal((Reason.MissCold, true), (reason, ReferenceEquals(huge, served)));
            Assert.Equal(i, stage.A.Cache.ReasonCounts["unstored-too-large"]);
        }
        Assert.Equal(Reason.UnstoredTooLarge, await stage.A.Cache.SetAsync(Sized, huge, cancellationToken: Token));
        await stage.A.UntilIdleAsync();
        Assert.True((await stage.SlotAsync(Sized)) is null or { Length: EntryTests.IdentityBytes });
        await SmallOnesAsync(stage.A, "a");
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, MostGrowth);
        Assert.Equal(0, stage.A.Cache.RemoteTier!.Dropped);
    }

    [Theory]
    [InlineData(63)]
    [InlineData(70)]
    [Trait("fault", "18")]
    public async Task A_large_value_within_raised_limits_is_shared_and_what_comes_at_the_same_time_too(int mebibytes)
    {
        await using Stage stage = await StartAsync(
            static o => (o.MaxEntryBytes, o.MaxUnsentBytes) = (Huge, 2 * Huge), static () => new() { MaxEntryBytes = Huge, MaxBytes = 4 * Huge });
        byte[] value = Value(mebibytes * Mebibyte);
        Task small = SmallOnesAsync(stage.A, "a");
        Assert.Equal(Reason.MissCold, (await stage.A.GetOrMakeAsync(Sized, value)).Reason);
        await small;
        await stage.A.UntilIdleAsync();
        Assert.Equal(0, stage.A.Cache.RemoteTier!.Dropped);
        small = SmallOnesAsync(stage.B, "a");
        (byte[] found, Reason reason) = await stage.B.GetOrMakeAsync(Sized, value[..1]);
        Assert.Equal((Reason.HitRedis, true), (reason, value.AsSpan().SequenceEqual(found)));
        await small;
        Assert.All(stage.Nodes, node => Assert.Equal((RemoteTierState.InUse, 1), (node.Cache.RemoteTier!.State, node.Cache.RemoteTier!.MemoryDoubted)));
    }

    [Fact]
    [Trait("fault", "18"), Trait("fault", "24")]
    public async Task A_large_value_is_cut_on_its_way()
    {
        await using Stage stage = await StartAsync();
        var cut = new Flow { CutAfter = Mebibyte };
        byte[] value = Value(7 * Mebibyte);
        stage.Ways[0].Set(new Fault(cut, Flow.Free), Fault.None);
        Assert.Equal(Reason.MissCold, (await stage.A.GetOrMakeAsync(Sized, value)).Reason);
        await LinkTests.Until(() => stage.Loggers[0].Lines.Any(line => line.StartsWith("No connection to", StringComparison.Ordinal)));
        await stage.A.UntilIdleAsync();
        // Not one byte of it.
        Assert.True((await stage.SlotAsync(Sized)) is null or { Length: EntryTests.IdentityBytes });
        stage.Set(Fault.None);
        await UntilItAnswersAsync(stage.A);
        Assert.Equal(Reason.None, await stage.A.Cache.SetAsync(Sized, value, cancellationToken: Token));
        await stage.A.UntilIdleAsync();
        // Nor is half of it given to whoever reads.
        stage.Ways[1].Set(new Fault(Flow.Free, cut), Fault.None);
        Assert.Equal(("made here", Reason.MissCold), await stage.B.GetOrMakeAsync(Sized, "made here"));
        using RedisNode third = await RedisNode.StartAsync(stage.Server.Options());
        (byte[] found, Reason reason) = await third.GetOrMakeAsync(Sized, value[..1]);
        Assert.Equal((Reason.HitRedis, true), (reason, value.AsSpan().SequenceEqual(found)));
    }

    [Fact]
    [Trait("fault", "18")]
    public async Task A_key_over_the_limit_bypasses_and_leaves_nothing_in_Redis()
    {
        await using Stage stage = await StartAsync();
        LarderCache cache = stage.A.Cache;
        string key = new('k', Mebibyte), longest = new('k', new LarderOptions().MaxKeyLength);
        async Task<long> NamesAsync() => (await stage.Server.AskAsync("DBSIZE")).TryGetInteger(out long size) ? size : -1;
        long names = await NamesAsync();
        for (int i = 0; i < 3; i++) Assert.Equal(($"made {i}", Reason.BypassLimit), await stage.A.GetOrMakeAsync(key, $"made {i}"));
        Assert.Equal(Reason.BypassLimit, await cache.SetAsync(key, "set", cancellationToken: Token));
        Assert.False((await cache.GetAsync<string>(key, Token)).Found);
        var values = await cache.GetOrCreateManyAsync([key, "short"], "made", static (made, keys, _) => ValueTask.FromResult<IReadOnlyDictionary<string, string>>(keys.ToDictionary(key => key, _ => made)), cancellationToken: Token);
        Assert.Equal(("made", "made"), (values[key], values["short"]));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await cache.InvalidateAsync(Invalidation.Key(key), cancellationToken: Token));
        await stage.A.UntilIdleAsync();
        // The short one's slot.
        Assert.Equal(names + 1, await NamesAsync());
        // It is the length: the longest that is cached is shared, too.
        Assert.Equal(("v", Reason.MissCold), await stage.A.GetOrMakeAsync(longest, "v"));
        await stage.A.UntilIdleAsync();
        Assert.Equal(("v", Reason.HitRedis), await stage.B.GetOrMakeAsync(longest, "not made"));
        Assert.All(stage.Nodes, node => Assert.Equal((RemoteTierState.InUse, 0), (node.Cache.RemoteTier!.State, node.Cache.RemoteTier!.Pending)));
    }

    /// <summary>A stranger puts a string into a slot: what was made is used, what it takes is bounded, and others are not disturbed for longer than a connection takes.</summary>
    /// <returns>The bytes that the look has taken.</returns>
    private static async Task<long> LookAtAsync(Stage stage)
    {
        string slot = new RedisNames("larder:").SlotOf(Sized);
        await stage.Server.AskAsync("SETRANGE", slot, Huge, "x");
        // It seems to have an identity: with none it would be looked at twice.
        await stage.Server.AskAsync("SETRANGE", slot, 0, "stranger");
        Task others = SmallOnesAsync(stage.B, "b");
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Assert.Equal(("made", Reason.MissCold), await stage.A.GetOrMakeAsync(Sized, "made"));
        long taken = GC.GetTotalAllocatedBytes(precise: true) - before;
        await others;
        Assert.Equal(("made", Reason.HitMemory), await stage.A.GetOrMakeAsync(Sized, "not made"));
        await SmallOnesAsync(stage.A, "a");
        Assert.Equal(1, stage.A.Cache.RemoteTier!.MemoryDoubted);
        return taken;
    }

    private static bool IsTooLong(string line) => line.Contains($"A reply has more than {MostReply} bytes.", StringComparison.Ordinal);

    [Fact]
    [Trait("fault", "18"), Trait("fault", "33")]
    public async Task A_stranger_puts_more_into_a_slot_than_an_answer_may_have()
    {
        await using Stage stage = await StartAsync(static o => o.MaxReplyBytes = MostReply);
        Assert.InRange(await LookAtAsync(stage), 0, MostGrowth);
        Assert.Contains(stage.Loggers[0].Lines, IsTooLong);
        // It is used as before, and an event of the key makes the slot good again.
        await UntilItAnswersAsync(stage.A);
        await AbsenceTests.Acknowledged(stage, Invalidation.Key(Sized));
        Assert.Equal("again", (await stage.A.GetOrMakeAsync(Sized, "again")).Value);
        await stage.A.UntilIdleAsync();
        Assert.Equal(("again", Reason.HitRedis), await stage.B.GetOrMakeAsync(Sized, "not made"));
        Assert.DoesNotContain(stage.Loggers[1].Lines, IsTooLong);

        // The control: with the limit that it has by default all of it is taken, and is no entry.
        await using Stage wide = await StartAsync();
        Assert.InRange(await LookAtAsync(wide), Huge, long.MaxValue);
        Assert.DoesNotContain(wide.Loggers[0].Lines, line => line.StartsWith("No connection to", StringComparison.Ordinal));
        Assert.Equal(1, wide.A.Tier.Reads.CountOf(RemoteOutcome.Unreadable));
    }

    [Theory]
    [InlineData("groups")]
    [InlineData("keys")]
    [Trait("fault", "18"), Trait("fault", "29"), Trait("clause", "R-4")]
    public async Task A_stranger_puts_more_into_the_log_than_an_answer_may_have(string stream)
    {
        await using Stage stage = await Stage.StartAsync(new() { Options = static o => o.MaxReplyBytes = MostReply });
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        ulong epoch = stage.A.Tier.Follower.Epoch;
        await stage.Server.AskAsync("XADD", "larder:{log}:" + stream, "9000000-0", "kind", Value(4 * MostReply));
        await LinkTests.Until(() => Array.TrueForAll(stage.Nodes, node => node.Tier.Follower.Usable?.Epoch is { } now && now != epoch));
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.Contains(stage.Loggers.SelectMany(logger => logger.Lines), IsTooLong);
    }
}
