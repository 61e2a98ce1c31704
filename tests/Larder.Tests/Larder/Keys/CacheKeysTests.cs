using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Keys;

public sealed class CacheKeysTests
{
    private readonly CacheKeys _keys = new();

    [Fact]
    public void Keys_begin_with_what_they_are_about()
    {
        Assert.Equal("prompt.list 4:page=i1:1 4:sort=s4:name @3:ann |e11", _keys.ForEndpoint("prompt.list", [("sort", "name"), ("page", 1)], "ann").Text);
        Assert.Equal("/jobs?a=1&b=2 m3:GET h6:accept=s9:text/html @3:ann |r13.5", _keys.ForRequest("GET", "/jobs", "b=2&a=1", [("Accept", "text/html")], "ann").Text);
        Assert.Equal("summarize t5:hello 10:max_length=i3:100 q4:why? |o9", _keys.ForOperation("summarize", "hello", [("max_length", 100)], "why?").Text);
        Assert.Equal("ann", _keys.ForEndpoint("e", user: "ann").User);
        Assert.Null(_keys.ForEndpoint("e").User);
    }

    [Fact]
    public void The_order_of_names_does_not_matter_and_that_of_equal_names_does()
    {
        Assert.Equal(_keys.ForEndpoint("e", [("a", 1), ("b", 2)]), _keys.ForEndpoint("e", [("b", 2), ("a", 1)]));
        Assert.Equal(_keys.ForEndpoint("e", [("a", 1), ("b", 2)]), _keys.ForEndpoint("e", new Dictionary<string, object?> { ["b"] = 2, ["a"] = 1 }));
        Assert.Equal(_keys.ForEndpoint("e", [("a", 1)]), _keys.ForEndpoint("e", KeyParameters.Of(new SortedList<string, int> { ["a"] = 1 })));
        Assert.NotEqual(_keys.ForEndpoint("e", [("a", 1), ("a", 2)]), _keys.ForEndpoint("e", [("a", 2), ("a", 1)]));
        Assert.NotEqual(_keys.ForEndpoint("e", [("a", 1), ("a", 1)]), _keys.ForEndpoint("e", [("a", 1)]));
        Assert.Equal(_keys.ForOperation("o", "t", [("a", 1), ("b", 2)]), _keys.ForOperation("o", "t", [("b", 2), ("a", 1)]));
        var nested = new Dictionary<string, int> { ["y"] = 1, ["x"] = 2 };
        Assert.Equal(_keys.ForEndpoint("e", [("d", nested)]), _keys.ForEndpoint("e", [("d", new Dictionary<string, object?> { ["x"] = 2, ["y"] = 1 })]));
        Assert.Equal(_keys.ForRequest("GET", "/", null, [("B", "2"), ("A", "1")]), _keys.ForRequest("GET", "/", null, [("a", "1"), ("b", "2")]));
        Assert.NotEqual(_keys.ForRequest("GET", "/", null, [("a", null)]), _keys.ForRequest("GET", "/", null, [("a", "")]));
    }

    [Fact]
    public void A_query_is_sorted_by_name_or_left_as_sent()
    {
        var asSent = new CacheKeys(new() { QueryOrder = QueryOrder.AsSent });
        Assert.Equal(_keys.ForRequest("GET", "/", "a=1&b=2"), _keys.ForRequest("GET", "/", "?b=2&a=1"));
        Assert.NotEqual(asSent.ForRequest("GET", "/", "a=1&b=2"), asSent.ForRequest("GET", "/", "b=2&a=1"));
        // Servers see a list here: its order is theirs to judge.
        Assert.NotEqual(_keys.ForRequest("GET", "/", "a=1&a=2"), _keys.ForRequest("GET", "/", "a=2&a=1"));
        Assert.NotEqual(_keys.ForRequest("GET", "/", "a=1&&b=2"), _keys.ForRequest("GET", "/", "a=1&b=2"));
        Assert.NotEqual(_keys.ForRequest("GET", "/", "a%3D=1"), _keys.ForRequest("GET", "/", "a==1"));
    }

    [Fact]
    public void Values_of_different_types_differ_and_no_culture_changes_them()
    {
        var at = new DateTime(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        object?[] values =
        [
            null, "", "1", 1, true, "True", 'a', "a", 1.5f, 1.5d, 1.5m, (Half)1.5, Guid.Empty, Guid.Empty.ToString(), at, new DateTimeOffset(at), DateOnly.FromDateTime(at),
            TimeOnly.FromDateTime(at), TimeSpan.FromDays(1), DayOfWeek.Monday, ConsoleColor.Black, (DayOfWeek)77, new Uri("http://h/"), "http://h/",
            Array.Empty<int>(), new[] { 1 }, new object?[] { null }, new object[] { new[] { 1 } }, new Dictionary<string, int>(), Int128.MaxValue, ulong.MaxValue, double.NaN, -0.0, 0.0,
        ];
        string[] Texts() => [.. values.Select(v => _keys.ForEndpoint("e", [("p", v)]).Text), _keys.ForEndpoint("e").Text];
        string[] texts = Texts();
        Assert.Equal(texts.Length, texts.Distinct().Count());
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new("fa-IR");
            Assert.Equal(texts, Texts());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        Assert.Equal(_keys.ForEndpoint("e", [("p", 1)]), _keys.ForEndpoint("e", [("p", 1UL)]));
    }

    [Fact]
    public void What_cannot_be_part_of_a_key_is_refused_with_what_to_do()
    {
        var error = Assert.Throws<ArgumentException>(() => _keys.ForEndpoint("e", [("p", new StringBuilder())]));
        Assert.Contains("System.Text.StringBuilder", error.Message, StringComparison.Ordinal);
        Assert.Contains("the value's id", error.Message, StringComparison.Ordinal);
        var itself = new List<object?>();
        itself.Add(itself);
        Assert.Throws<ArgumentException>(() => _keys.ForEndpoint("e", [("p", itself)]));
        Assert.Throws<ArgumentException>(() => _keys.ForEndpoint("e", [("p", new Dictionary<int, int> { [1] = 1 })]));
        Assert.Throws<ArgumentException>(() => _keys.ForEndpoint(""));
        Assert.Throws<ArgumentException>(() => _keys.ForRequest("", "/"));
        Assert.Throws<ArgumentException>(() => _keys.ForEndpoint("e", user: ""));
        Assert.Throws<ArgumentNullException>(() => _keys.ForEndpoint("e", [(null!, 1)]));
        Assert.Throws<ArgumentNullException>(() => _keys.ForOperation("o", null!));
    }

    private sealed class Filter : List<string>
    {
        public bool IsExact { get; init; }
    }

    private sealed class NamedPage(string name) : Uri("http://h/")
    {
        public string Name => name;
    }

    /// <summary>Each differs from its neighbour in something that its items do not tell.</summary>
    public static TheoryData<object, object> HoldMoreThanTheirItems()
    {
        IGrouping<string, int>[] groups = [.. new[] { ("a", 1), ("b", 1) }.GroupBy(x => x.Item1, x => x.Item2)];
        return new()
        {
            { new[,] { { 1, 2 }, { 3, 4 } }, new[,] { { 1, 2, 3, 4 } } },
            { Array.CreateInstance(typeof(int), [1], [1]), Array.CreateInstance(typeof(int), [1], [2]) },
            { new Filter { IsExact = true }, new Filter() },
            { new NamedPage("a"), new NamedPage("b") },
            { groups[0], groups[1] },
            { groups.ToLookup(g => g.Key), groups.ToLookup(g => g.Key + "x") },
            { new System.Collections.Specialized.NameValueCollection { ["a"] = "1" }, new System.Collections.Specialized.NameValueCollection { ["a"] = "2" } },
        };
    }

    [Theory, MemberData(nameof(HoldMoreThanTheirItems))]
    public void Collections_that_are_more_than_their_items_are_refused(object one, object other)
    {
        foreach (object value in (object[])[one, other, new object[] { one }])
        {
            var error = Assert.Throws<ArgumentException>(() => _keys.ForEndpoint("e", [("p", value)]));
            Assert.Contains("can't be part of a key", error.Message, StringComparison.Ordinal);
        }
        Assert.NotNull(KeyValues.Problem(one.GetType()));
    }

    [Fact]
    public void However_a_list_is_written_its_items_make_the_key()
    {
        int[] items = [1, 2];
        IReadOnlyList<int> expression = [1, .. items[1..]];
        IEnumerable<int> pair = [1, 2];
        object[] lists =
        [
            items, items.ToList(), expression, pair, new ArraySegment<int>(items), new LinkedList<int>(items), new SortedSet<int>(items), items.ToHashSet(),
            items.AsReadOnly(), items.ToImmutableArray(), items.ToImmutableList(), items.Where(i => i > 0), items.Order(), new ConcurrentQueue<int>(items), Enumerable.Range(1, 2),
        ];
        Assert.All(lists, list => Assert.Equal("e 1:p=[i1:1i1:2] |e1", _keys.ForEndpoint("e", [("p", list)]).Text));
        IReadOnlyList<int> one = [7];
        Assert.Equal("e 1:p=[i1:7] |e1", _keys.ForEndpoint("e", [("p", one)]).Text);
        Assert.All(lists, list => Assert.True(list is IEnumerable<int> and not ICollection<int> || KeyValues.Problem(list.GetType()) is null, $"{list.GetType()}"));
    }

    [Fact]
    public void Headers_of_one_name_keep_their_order_however_the_name_is_written()
    {
        Assert.NotEqual(_keys.ForRequest("GET", "/", headers: [("accept", "a"), ("Accept", "b")]), _keys.ForRequest("GET", "/", headers: [("Accept", "b"), ("accept", "a")]));
        Assert.Equal(_keys.ForRequest("GET", "/", headers: [("accept", "a"), ("Accept", "b")]), _keys.ForRequest("GET", "/", headers: [("ACCEPT", "a"), ("accept", "b")]));
    }

    [Fact]
    public async Task A_byte_order_mark_is_not_part_of_the_text()
    {
        Assert.Equal(_keys.ForOperation("o", "a"), await _keys.ForOperationAsync("o", new MemoryStream([0xEF, 0xBB, 0xBF, 0x61])));
        Assert.NotEqual(_keys.ForOperation("o", "a"), await _keys.ForOperationAsync("o", new MemoryStream([0x61, 0xEF, 0xBB, 0xBF])));
    }

    [Fact]
    public void Options_that_no_cache_allows_are_refused_here_too_and_later_changes_are_not_seen()
    {
        foreach (KeyOptions wrong in (KeyOptions[])[new() { MaxReadableText = int.MaxValue }, new() { MaxReadableText = -1 }, new() { QueryOrder = (QueryOrder)7 }, new() { SlowAfter = TimeSpan.Zero }])
            Assert.Contains("allowed is", Assert.Throws<ArgumentOutOfRangeException>(() => new CacheKeys(wrong)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CacheKeys(maxLength: 0));
        var options = new KeyOptions();
        var keys = new CacheKeys(options);
        options.MaxReadableText = int.MaxValue;
        Assert.StartsWith("o #1001:", keys.ForOperation("o", new string('x', 1001)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_up_to_the_limit_stay_readable_and_longer_ones_are_hashed()
    {
        string fits = new('x', 1000), exceeds = fits + 'x';
        Assert.Contains(fits, _keys.ForOperation("o", fits).Text, StringComparison.Ordinal);
        string key = _keys.ForOperation("o", exceeds).Text;
        Assert.Equal("o #1001:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.Unicode.GetBytes(exceeds))) + " |o1", key);
        var short10 = new CacheKeys(new() { MaxReadableText = 10 });
        Assert.Equal("o t10:xxxxxxxxxx |o1", short10.ForOperation("o", fits[..10]).Text);
        Assert.StartsWith("o #11:", short10.ForOperation("o", fits[..11]).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(16_384)]
    [InlineData(100_003)]
    public async Task However_a_text_comes_its_key_is_the_same(int length)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + i % 26)));
        if (length > 500) text = text[..200] + "é\ud83d\ude00€" + text[204..];
        Assert.Equal(length, text.Length);
        CacheKey expected = _keys.ForOperation("o", text, [("a", 1)], "q", "u");
        Assert.Equal(expected, _keys.ForOperation("o", Pieces(text), [("a", 1)], "q", "u"));
        Assert.Equal(expected, await _keys.ForOperationAsync("o", new StringReader(text), [("a", 1)], "q", "u"));
        Assert.Equal(expected, await _keys.ForOperationAsync("o", new Trickle(Encoding.UTF8.GetBytes(text)), [("a", 1)], "q", "u"));
    }

    [Fact]
    public async Task Malformed_bytes_are_refused_instead_of_replaced()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await _keys.ForOperationAsync("o", new MemoryStream([0x61, 0xff])));
        var open = new MemoryStream([0x61]);
        await _keys.ForOperationAsync("o", open);
        Assert.True(open.CanRead);
    }

    [Fact]
    public async Task A_text_of_a_hundred_million_characters_is_never_held()
    {
        await _keys.ForOperationAsync("o", new Endless(100_000));
        long before = GC.GetAllocatedBytesForCurrentThread();
        CacheKey key = await _keys.ForOperationAsync("o", new Endless(100_000_000));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Assert.StartsWith("o #100000000:", key.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_over_the_limit_is_hashed_and_keeps_a_readable_head()
    {
        string Make(string last) => _keys.ForEndpoint("prompt.list", [("a", new string('x', 2000)), ("z", last)]).Text;
        string key = Make("1");
        Assert.Equal(1024, key.Length);
        Assert.StartsWith("prompt.list 1:a=s2000:xxx", key, StringComparison.Ordinal);
        Assert.Equal("|sha256:", key[^72..^64]);
        Assert.NotEqual(key, Make("2"));
        Assert.Equal(key, Make("1"));
        // The head of the digest is the key that a larger limit would have shown.
        string whole = new CacheKeys(maxLength: 10_000).ForEndpoint("prompt.list", [("a", new string('x', 2000)), ("z", "1")]).Text;
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.Unicode.GetBytes(whole))), key[^64..]);
        Assert.Equal(72, new CacheKeys(maxLength: 10).ForEndpoint("a long name").Text.Length);
        for (int length = 930; length < 1100; length++)
        {
            string faces = _keys.ForEndpoint("e" + string.Concat(Enumerable.Repeat("\ud83d\ude00", length / 2)) + new string('x', length % 2)).Text;
            Assert.InRange(faces.Length, 900, 1024);
            Assert.False(char.IsHighSurrogate(faces.Split('|')[0][^1]));
        }
    }

    [Fact]
    public async Task Patterns_match_the_beginning_of_a_key()
    {
        using var cache = new LarderCache();
        CacheKey list = cache.Keys.ForEndpoint("prompt.list", [("page", 1)]), listing = cache.Keys.ForEndpoint("prompt.listing");
        CacheKey daily = cache.Keys.ForRequest("GET", "/api/analytics/daily", "x=1"), text = cache.Keys.ForOperation("summarize", new string('x', 5000));
        foreach (CacheKey key in new[] { list, listing, daily, text }) await cache.SetAsync(key, 1);
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Glob("prompt.list *"), count: true)).Removed);
        Assert.Equal((false, true), (cache.Exists(list), cache.Exists(listing)));
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Glob("/api/analytics/*"), count: true)).Removed);
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Regex("^summarize "), count: true)).Removed);
    }

    [Fact]
    public async Task What_is_stored_under_a_key_of_a_user_is_kept_for_that_user()
    {
        using var cache = new LarderCache();
        CacheKey ann = cache.Keys.ForEndpoint("e", user: "ann"), bob = cache.Keys.ForEndpoint("e", user: "bob"), all = cache.Keys.ForEndpoint("e");
        Assert.Equal(1, await cache.GetOrCreateAsync(ann, _ => new ValueTask<int>(1)));
        Assert.Equal(2, await cache.GetOrCreateAsync(bob, 2, static (state, _) => new ValueTask<int>(state), new EntryOptions { Tags = ["t"] }));
        await cache.SetAsync(all, 3);
        Assert.Equal((1, 2, 3), ((await cache.GetAsync<int>(ann)).Value, (await cache.GetAsync<int>(bob)).Value, (await cache.GetAsync<int>(all)).Value));
        await cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.Equal((false, true, true), (cache.Exists(ann), cache.Exists(bob), cache.Exists(all)));
        Assert.Equal(Reason.None, cache.TryStore(ann, 4, null, cache.BeginFill()));
        Assert.NotNull(cache.GetTimeToLive(ann));
        await cache.InvalidateAsync(Invalidation.User("ann"));
        Assert.False(cache.Exists(ann));
        Assert.True(await cache.RemoveAsync(bob));
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.SetAsync(ann, 1, new() { User = "bob" }));
        Assert.Equal(Reason.None, await cache.SetAsync(ann, 1, new() { User = "ann" }));
    }

    private static ReadOnlySequence<char> Pieces(string text)
    {
        Segment first = new(text.AsMemory(0, text.Length / 3), 0), last = first;
        for (int at = text.Length / 3; at < text.Length;)
        {
            int length = Math.Min(text.Length - at, 700);
            last = last.Then(text.AsMemory(at, length));
            at += length;
        }
        return new(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<char>
    {
        public Segment(ReadOnlyMemory<char> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Then(ReadOnlyMemory<char> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    /// <summary>Gives a few bytes a time, so that characters are split over reads.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 7)], cancellationToken);
    }

    private sealed class Endless(long length) : TextReader
    {
        private long _left = length;

        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            int read = (int)Math.Min(_left, buffer.Length);
            buffer.Span[..read].Fill('x');
            _left -= read;
            return new(read);
        }
    }
}

public sealed class KeyTimingTests
{
    private readonly ManualTimeProvider _time = new();

    /// <summary>Moves the clock while it is read: a key that takes that long.</summary>
    private sealed class Slow(ManualTimeProvider time, TimeSpan by) : StringReader("text")
    {
        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            time.Advance(by);
            return base.ReadAsync(buffer, cancellationToken);
        }
    }

    [Fact]
    public async Task The_making_of_keys_is_measured()
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, _time, log);
        Assert.Equal(0, cache.Keys.Timings!.Count);
        // Each text is read twice: its piece and its end.
        foreach (int ms in new[] { 5, 10, 15, 20, 75 })
            await cache.Keys.ForOperationAsync("o", new Slow(_time, TimeSpan.FromMilliseconds(ms)), user: "secret-user");
        KeyTimingStatistics figures = cache.Keys.Timings!;
        static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);
        Assert.Equal((5, Ms(250), Ms(50), Ms(30)), (figures.Count, figures.Total, figures.Average, figures.Median));
        Assert.Equal((Ms(10), Ms(150), Ms(150), Ms(150)), (figures.Min, figures.Max, figures.P95, figures.P99));
        Assert.Equal((4.0, 4L, 1), (figures.AverageTextLength, figures.MaxTextLength, figures.Slow));
        var line = Assert.Single(log.Lines);
        Assert.Equal((30, LogLevel.Warning), (line.Id, line.Level));
        Assert.DoesNotContain("secret", line.Text, StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(0, cache.Keys.Timings!.Count);
    }

    [Fact]
    public void At_most_a_thousand_measurements_are_kept_and_none_when_switched_off()
    {
        using var cache = new LarderCache(null, _time);
        for (int i = 0; i < 1500; i++) cache.Keys.ForEndpoint(new string('e', 1 + i));
        Assert.Equal(1000, cache.Keys.Timings!.Count);
        Assert.Equal(1500, cache.Keys.Timings!.MaxTextLength);
        Assert.Equal(1000.5, cache.Keys.Timings!.AverageTextLength);
        Assert.Null(new CacheKeys(new() { Measure = false }).Timings);
        var unread = new CacheKeys(new() { Measure = false }, time: new Unread());
        Assert.NotNull(unread.ForEndpoint("e").Text);
        Assert.Throws<InvalidOperationException>(() => new CacheKeys(time: new Unread()).ForEndpoint("e"));
    }

    [Fact]
    public void A_meter_listener_is_told()
    {
        using var cache = new LarderCache();
        var forms = new List<string?>();
        int thread = Environment.CurrentManagedThreadId;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument is { Meter.Name: "Larder", Name: "cache.key_generation.duration", Unit: "s" }) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
        {
            if (Environment.CurrentManagedThreadId == thread && value >= 0) forms.Add((string?)tags.ToArray().Single(t => t.Key == "cache.key.form").Value);
        });
        listener.Start();
        cache.Keys.ForEndpoint("e");
        cache.Keys.ForRequest("GET", "/");
        cache.Keys.ForOperation("o", "t");
        Assert.Equal(["endpoint", "request", "operation"], forms);
    }

    private sealed class Unread : TimeProvider
    {
        public override long GetTimestamp() => throw new InvalidOperationException();
    }
}
