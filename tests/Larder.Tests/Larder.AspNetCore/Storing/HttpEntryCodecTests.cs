using System.Buffers;
using System.Reflection;
using System.Text;
using Larder.AspNetCore;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http;

/// <summary>The stored form of responses: what was written is read again, and whatever else comes is nothing.</summary>
public sealed class HttpEntryCodecTests
{
    private static readonly RuleSet Rules = new([], RulesFingerprint.Of(new HttpCacheOptions()));
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static RuleSet? RulesOf(ReadOnlyMemory<byte> fingerprint) => fingerprint.Span.SequenceEqual(Rules.Fingerprint.Span) ? Rules : null;

    private static byte[] Written(HttpEntry entry, long createdAt = 0)
    {
        var target = new ArrayBufferWriter<byte>();
        HttpEntryCodec.Write(entry, createdAt, target);
        return target.WrittenSpan.ToArray();
    }

    private static HttpEntry? Read(byte[] bytes, long createdAt = 0, long now = 0) => HttpEntryCodec.Read(bytes, RulesOf, createdAt, (now, Noon));

    /// <summary>A response whose every part is another one than by default.</summary>
    private static StoredResponse Sample(ResponseFacts? facts = null, RuleSet? rules = null) => new(rules ?? Rules, new(facts ?? AllFacts(), TimeSpan.FromSeconds(77)))
    {
        Status = 203,
        ReasonPhrase = "Fine",
        Headers = [new("Content-Type", "text/plain"), new("X-A", new StringValues(["a", "", "ö"])), new("x-b", "2"), new("X-Empty", "")],
        Body = new(["first "u8.ToArray(), "second"u8.ToArray()]),
        InitialAge = TimeSpan.FromSeconds(20),
        ReceivedAt = 5000,
        ReceivedTime = Noon,
        HasOwnETag = true,
        IsDeclaredPublic = true,
        IsPrivate = true,
        RequiresAuthorization = true,
        Tags = ["a", "b:c"],
        SaidTags = ["d"],
        CacheControlSent = "public, max-age=5",
    };

    /// <summary>The same with a body that is kept compressed.</summary>
    private static StoredResponse Compressed() => new StorePlan
    {
        Status = 200, ReasonPhrase = null, Headers = [new("Content-Type", "text/plain")], Facts = new() { Status = 200 }, Lifetime = TimeSpan.FromSeconds(7), InitialAge = default, ReceivedAt = 0,
        ReceivedTime = Noon, Nominated = [], Tags = [], ContentLength = null, MostBytes = 1, RequiresAuthorization = false,
    }.ToStored(new("", "", .., "", [], null, Rules, null), StoredBody.Empty, CodedBody.Compress(new([new byte[5000]])));

    /// <summary>Facts whose every property differs from its default, so that one that is forgotten shows.</summary>
    private static ResponseFacts AllFacts()
    {
        object facts = Filled(typeof(ResponseFacts));
        return (ResponseFacts)facts with { Status = 203, ETag = "\"e\"" };
    }

    private static object Filled(Type type)
    {
        object filled = Activator.CreateInstance(type)!;
        long number = 1;
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite))
        {
            property.SetValue(filled, property.PropertyType switch
            {
                var t when t == typeof(bool) => true,
                var t when t == typeof(int) => 203,
                var t when t == typeof(long) || t == typeof(long?) => number++,
                var t when t == typeof(string) => "\"e\"",
                var t when t == typeof(string[]) => new[] { "field" + number++, "other" },
                var t when t == typeof(DateTimeOffset?) => Noon.AddSeconds(number++),
                var t => Filled(t),
            });
        }
        return filled;
    }

    private static void AssertSame(object expected, object? actual)
    {
        foreach (PropertyInfo property in expected.GetType().GetProperties().Where(property => property.CanWrite))
        {
            object? one = property.GetValue(expected), other = property.GetValue(actual);
            if (one is CacheControl) AssertSame(one, other);
            else Assert.Equal(one, other);
        }
    }

    private static byte[] BytesOf(StoredResponse response) => [.. response.Body.Segments.SelectMany(segment => segment.ToArray())];

    [Fact]
    public void Everything_that_is_known_of_a_response_is_read_again()
    {
        StoredResponse response = Sample();
        // Written by a clock at 8 s, when its entry was 2 s old; read by one that began 100 s earlier, when that was at 110 s.
        var read = Assert.IsType<StoredResponse>(Read(Written(response, createdAt: 6000), createdAt: 108_000, now: 110_000));
        AssertSame(response.Facts.Response, read.Facts.Response);
        Assert.Equal(response.Facts.Lifetime, read.Facts.Lifetime);
        Assert.Equal(
            (response.Status, response.ReasonPhrase, response.HasOwnETag, response.IsDeclaredPublic, response.IsPrivate, response.RequiresAuthorization),
            (read.Status, read.ReasonPhrase, read.HasOwnETag, read.IsDeclaredPublic, read.IsPrivate, read.RequiresAuthorization));
        Assert.Equal(response.Headers, read.Headers);
        Assert.Equal(response.Tags, read.Tags);
        Assert.Equal(response.SaidTags, read.SaidTags);
        Assert.Equal(response.CacheControlSent, read.CacheControlSent);
        Assert.Equal("first second", Encoding.UTF8.GetString(BytesOf(read)));
        Assert.Same(Rules, read.Rules);
        Assert.Equal(response.AgeAt(8000), read.AgeAt(110_000));
        Assert.Equal(Noon.AddSeconds(-2), read.ReceivedTime);
        Assert.Null(read.OriginETag);
    }

    [Fact]
    public void A_compressed_body_is_read_again()
    {
        StoredResponse response = Compressed();
        var read = Assert.IsType<StoredResponse>(Read(Written(response)));
        Assert.Equal((5000L, 5000L, 0L), (read.BodyLength, read.Coded!.Length, read.Body.Length));
        using Stream open = read.Coded.Open();
        var bytes = new byte[5000];
        open.ReadExactly(bytes);
        Assert.Equal(new byte[5000], bytes);
        Assert.Equal(-1, open.ReadByte());
        Assert.Equal(response.Coded!.Size, read.Coded.Size);
        Assert.NotNull(read.Coded.In("br"));
        Assert.NotNull(read.Coded.In("gzip"));
    }

    [Fact]
    public void A_response_that_says_nothing_is_read_again()
    {
        var empty = new StoredResponse(Rules, new(new() { Status = 204 }, TimeSpan.Zero)) { Status = 204, Headers = [], Body = StoredBody.Empty, InitialAge = TimeSpan.Zero, ReceivedAt = 0, ReceivedTime = Noon };
        var read = Assert.IsType<StoredResponse>(Read(Written(empty)));
        AssertSame(empty.Facts.Response, read.Facts.Response);
        Assert.Equal((null, 0, 0L, false), (read.ReasonPhrase, read.Headers.Length, read.Body.Length, read.RequiresAuthorization));
    }

    [Fact]
    public void A_list_of_variants_is_read_again()
    {
        var index = new VariantIndex(Rules, [["accept", "accept-language"], ["cookie", "cookie=lang"]]);
        var read = Assert.IsType<VariantIndex>(Read(Written(index)));
        Assert.Equal(index.Nominated, read.Nominated);
        Assert.Same(Rules, read.Rules);
    }

    [Fact]
    public void What_was_stored_under_other_rules_is_nothing()
    {
        var options = new HttpCacheOptions();
        options.Never("/x");
        var others = new RuleSet(options.Rules, RulesFingerprint.Of(options));
        Assert.Null(Read(Written(Sample(rules: others))));
        Assert.Null(Read(Written(new VariantIndex(others, [["accept"]]))));
    }

    [Fact]
    public void What_has_no_form_is_refused_and_not_half_written()
    {
        Assert.Throws<InvalidDataException>(() => Written(Sample(AllFacts() with { ETag = "\ud800" })));
        Assert.Throws<InvalidDataException>(() => Written(new StoredResponse(Rules, default) { Status = 200, Headers = [new("X", new StringValues([.. Enumerable.Repeat("v", 1001)]))], Body = StoredBody.Empty, InitialAge = default, ReceivedAt = 0, ReceivedTime = Noon }));
        Assert.Throws<InvalidDataException>(() => Written(new StoredResponse(new([]), default) { Status = 200, Headers = [], Body = StoredBody.Empty, InitialAge = default, ReceivedAt = 0, ReceivedTime = Noon }));
    }

    public static TheoryData<string> Kinds => ["response", "compressed", "variants"];

    private static byte[] WrittenOf(string kind) => kind == "response" ? Written(Sample()) : kind == "compressed" ? Written(Compressed()) : Written(new VariantIndex(Rules, [["accept", "range"], ["cookie"]]));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Nothing_that_is_cut_or_longer_is_read(string kind)
    {
        byte[] whole = WrittenOf(kind);
        for (int length = 0; length < whole.Length; length++) Assert.Null(Read(whole[..length]));
        Assert.Null(Read([.. whole, 0]));
        Assert.NotNull(Read(whole));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Whatever_byte_is_another_nothing_throws_and_what_is_read_can_be_sent(string kind)
    {
        byte[] whole = WrittenOf(kind);
        int read = 0;
        for (int at = 0; at < whole.Length; at++)
        {
            byte before = whole[at];
            for (int value = 0; value < 256; value++)
            {
                whole[at] = (byte)value;
                if (Read(whole) is not { } entry) continue;
                read++;
                AssertSound(entry);
            }
            whole[at] = before;
        }
        Assert.True(read > 1000 || kind == "variants");
    }

    [Fact]
    public void Whatever_bytes_come_nothing_throws()
    {
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FUZZ_ROUNDS"), out int asked) ? asked : 50_000;
        var random = new Random(7);
        byte[][] whole = [WrittenOf("response"), WrittenOf("variants"), WrittenOf("compressed")];
        for (int i = 0; i < rounds; i++)
        {
            byte[] bytes = [.. whole[random.Next(3)]];
            // Behind the fingerprint, without which nothing is looked at.
            for (int n = random.Next(1, 6); n > 0; n--) bytes[random.Next(4) == 0 ? random.Next(2) : random.Next(34, bytes.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : random.Next(3) * 127);
            if (random.Next(8) == 0) bytes = bytes[..random.Next(bytes.Length)];
            if (Read(bytes, random.NextInt64(-100_000, 100_000)) is { } entry) AssertSound(entry);
        }
    }

    /// <summary>What is read is what may be stored, and what a server sends.</summary>
    private static void AssertSound(HttpEntry entry)
    {
        if (entry is VariantIndex index)
        {
            Assert.InRange(index.Nominated.Length, 1, 4);
            Assert.All(index.Nominated, list => Assert.NotEmpty(list));
            return;
        }
        var response = (StoredResponse)entry;
        Assert.False(StatusCodes.IsNeverStored(response.Status));
        Assert.True(response.AgeAt(response.ReceivedAt) >= TimeSpan.Zero);
        Assert.All(response.Headers, field =>
        {
            Assert.True(FieldSyntax.IsToken(field.Key));
            Assert.DoesNotContain(field.Value.ToString(), c => c is '\r' or '\n' or '\0');
        });
        // It can be written again.
        Assert.NotNull(Read(Written(response, response.ReceivedAt)));
    }
}
