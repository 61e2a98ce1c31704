using System.Text;

namespace Larder.Tests.Remote;

public sealed class RemoteEventCodecTests
{
    private const string Alphabet = "abcXYZ019:*?.-_ \u00e4\u20ac\U0001F9C0";

    /// <summary>Any event that a program can make, of any kind and size.</summary>
    public static Invalidation Any(Random random)
    {
        Invalidation made = random.Next(10) switch
        {
            0 => Invalidation.Key(Name(random, 4000)),
            1 => Invalidation.Tag(Name(random, 250)),
            2 => Invalidation.AnyTag(Names(random)),
            3 => Invalidation.AllTags(Names(random)),
            4 => Invalidation.Prefix(Name(random, 900)),
            5 => Invalidation.Glob(Name(random, 900)),
            6 => Invalidation.Regex("^a[bc]{1," + random.Next(2, 90) + "}(x|" + random.Next() + ")$"),
            7 => Invalidation.User(Name(random, 1000)),
            8 => Invalidation.ExactTag(Name(random, 400)),
            _ => Invalidation.All,
        };
        return random.Next(2) == 0 ? made : made.Soft();
    }

    private static string Name(Random random, int most)
    {
        var text = new StringBuilder();
        int length = random.Next(4) == 0 ? random.Next(1, most) : random.Next(1, 20);
        while (text.Length < length) text.Append(random.Next(40) == 0 ? "\ud83e" : Alphabet[random.Next(Alphabet.Length)]);
        return text.ToString();
    }

    private static string[] Names(Random random) => [.. Enumerable.Range(0, random.Next(5) == 0 ? random.Next(1, 1000) : random.Next(1, 5)).Select(i => i + Name(random, 200))];

    private static void Same(Invalidation expected, Invalidation actual) =>
        Assert.Equal((expected.Kind, expected.Subject, expected.IsSoft, string.Join('\n', expected.Tags)), (actual.Kind, actual.Subject, actual.IsSoft, string.Join('\n', actual.Tags)));

    private static int SizeOf(IEnumerable<EventField> fields) => fields.Sum(field => field.Name.Length + field.Value.Length);

    [Fact]
    [Trait("clause", "R-1")]
    public void What_is_written_is_read_back()
    {
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            Invalidation whole = Any(random);
            var source = new RemoteSource((ulong)random.NextInt64() | 1, random.NextInt64());
            foreach (Invalidation part in RemoteEventCodec.Split(whole))
            {
                (ulong epoch, long groups, long keys, long at) = ((ulong)random.NextInt64(), random.NextInt64(), random.NextInt64(), random.NextInt64());
                EventField[] fields = [.. RemoteEventCodec.Encode(part, source), .. RemoteEventCodec.EncodePlace(epoch, groups, keys, at)];
                RemoteEvent read = RemoteEventCodec.Decode(RemoteStream.Groups, 1 + random.NextInt64(long.MaxValue - 1) is var ordinal ? ordinal : 0, fields);
                Assert.Equal((new Position(epoch, ordinal), groups, keys, source, at), (read.Place, read.GroupsBefore, read.KeysBefore, read.Source, read.At));
                Same(part, read.Event);
                Assert.True(SizeOf(fields) <= RemoteEventCodec.MaxBytes);
            }
        }
    }

    [Fact]
    public void What_is_too_large_becomes_several_or_covers_more()
    {
        string[] tags = [.. Enumerable.Range(0, 1000).Select(i => i + new string('t', 200))];
        IReadOnlyList<Invalidation> parts = RemoteEventCodec.Split(Invalidation.AnyTag(tags).Soft());
        Assert.True(parts.Count is > 25 and < 60);
        Assert.All(parts, part => Assert.True(part.IsSoft && part.Kind == InvalidationKind.AnyTag));
        Assert.Equal(tags, parts.SelectMany(part => part.Tags));

        Same(Invalidation.Tag(tags[0]).Soft(), Assert.Single(RemoteEventCodec.Split(Invalidation.AllTags(tags).Soft())));
        Same(Invalidation.All, Assert.Single(RemoteEventCodec.Split(Invalidation.Key(new string('k', 9000)))));
        // The longest of all other kinds fit.
        Same(Invalidation.User(new string('\u20ac', 1024)), Assert.Single(RemoteEventCodec.Split(Invalidation.User(new string('\u20ac', 1024)))));
    }

    [Fact]
    public void Garbage_never_throws_and_covers_everything()
    {
        var random = new Random(2);
        int everything = 0, unplaced = 0;
        for (int i = 0; i < 20_000; i++)
        {
            Invalidation whole = RemoteEventCodec.Split(Any(random))[0];
            List<EventField> fields = [.. RemoteEventCodec.Encode(whole, new(7, i)), .. RemoteEventCodec.EncodePlace(5, 3, 2, 1)];
            for (int changes = random.Next(1, 4); changes > 0 && fields.Count > 0; changes--)
            {
                int at = random.Next(fields.Count);
                byte[] value = fields[at].Value.ToArray();
                switch (random.Next(4))
                {
                    case 0: fields.RemoveAt(at); break;
                    case 1: random.NextBytes(value); fields[at] = new(fields[at].Name, value); break;
                    case 2: fields[at] = new(fields[random.Next(fields.Count)].Name, value); break;
                    default: fields[at] = new(fields[at].Name, value.AsMemory(..random.Next(value.Length + 1))); break;
                }
            }
            RemoteEvent read = RemoteEventCodec.Decode(RemoteStream.Keys, 4, fields);
            Assert.NotNull(read.Event);
            if (read.Event.Kind == InvalidationKind.All) everything++;
            if (read.Place == default) unplaced++;
        }
        Assert.True(everything > 2000 && unplaced > 2000, $"{everything}, {unplaced}");
    }

    [Theory]
    [InlineData("regex", "(a")]
    [InlineData("regex", "(?<=a)b")]
    [InlineData("tag", "=")]
    [InlineData("tag", "a\u0001")]
    [InlineData("key", "")]
    [InlineData("purge", "a")]
    [InlineData("all", "a")]
    public void What_this_program_would_not_have_made_is_everything_and_hard(string kind, string text)
    {
        EventField[] fields = [new("kind", Encoding.UTF8.GetBytes(kind)), new("soft", "1"u8.ToArray()), new("text", Encoding.UTF8.GetBytes(text))];
        Same(Invalidation.All, RemoteEventCodec.Decode(RemoteStream.Groups, 1, fields).Event);
    }
}
