namespace Larder.Tests.Remote;

public sealed class RemoteViewTests
{
    private static readonly string[] Tags = ["user", "user:1", "user:1:profile", "user:2", "list"];
    private static readonly string[] Keys = ["a", "ab", "b1", "b2"];

    private sealed record Known(string Key, string[] Tags, string? User, long Stamp);

    private static Invalidation Any(Random random)
    {
        string tag = Tags[random.Next(Tags.Length)], key = Keys[random.Next(Keys.Length)];
        Invalidation made = random.Next(9) switch
        {
            0 => Invalidation.Key(key),
            1 => Invalidation.Tag(tag),
            2 => Invalidation.AnyTag(tag, "list"),
            3 => Invalidation.AllTags(tag, "list"),
            4 => Invalidation.Prefix(key),
            5 => Invalidation.Glob("?" + key[^1]),
            6 => Invalidation.Regex(key + "$"),
            7 => Invalidation.User("ann"),
            _ => random.Next(4) == 0 ? Invalidation.All : Invalidation.User("bob"),
        };
        return random.Next(2) == 0 ? made : made.Soft();
    }

    private static bool Covers(Invalidation e, Known known) => e.Kind switch
    {
        InvalidationKind.Key => e.Subject == known.Key,
        InvalidationKind.All => true,
        InvalidationKind.User => e.Subject == known.User,
        InvalidationKind.Tag or InvalidationKind.AnyTag => e.Tags.Any(tag => TagRules.Carries(known.Tags, tag)),
        _ => e.Matches(known.Key, known.Tags),
    };

    [Theory]
    [InlineData(100_000, 1000)]
    [InlineData(12, 1000)]
    [InlineData(100_000, 20)]
    [Trait("clause", "R-7"), Trait("clause", "R-8"), Trait("clause", "R-14"), Trait("clause", "R-19")]
    public void It_says_what_a_list_of_all_events_says(int maxSubjects, int maxAsked)
    {
        int covered = 0, softened = 0, free = 0, forgotten = 0;
        for (int seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var view = new RemoteView(5, maxSubjects, maxAsked);
            List<(Invalidation Event, long Ordinal, long At)> all = [];
            view.Open(0);
            for (long ordinal = 1; ordinal < 80; ordinal += random.Next(1, 3))
            {
                (Invalidation Event, long Ordinal, long At) e = (Any(random), ordinal, random.Next(-50, 50));
                all.Add(e);
                view.Remember(e.Event, e.Ordinal, e.At);
                var known = new Known(Keys[random.Next(Keys.Length)], [.. Tags.Where(_ => random.Next(4) == 0)], random.Next(2) == 0 ? "ann" : null, random.Next(0, (int)ordinal + 1));
                Coverage coverage = view.Judge(known.Key, known.Key, known.Tags, known.User, known.Stamp, out long softAt);
                if (known.Stamp < view.Floor)
                {
                    Assert.Equal(Coverage.Covered, coverage);
                    continue;
                }
                var after = all.Where(e => e.Ordinal > known.Stamp && Covers(e.Event, known)).ToArray();
                // One instant stands for hard and is moved by a millisecond.
                long[] instants = [.. after.Select(e => e.At == EventMark.Hard ? e.At - 1 : e.At)];
                Coverage expected = after.Any(e => !e.Event.IsSoft) ? Coverage.Covered : after.Length > 0 ? Coverage.Softened : Coverage.None;
                Assert.Equal((expected, expected == Coverage.Softened ? instants.Min() : 0), (coverage, coverage == Coverage.Softened ? softAt : 0));
                _ = expected switch { Coverage.Covered => covered++, Coverage.Softened => softened++, _ => free++ };
            }
            if (view.Floor > 0) forgotten++;
        }
        Assert.Equal(maxSubjects < 100_000 || maxAsked < 1000, forgotten > 100);
        Assert.True(covered > 400 && softened > 400 && free > 400, $"{covered}, {softened}, {free}");
    }

    [Fact]
    [Trait("clause", "R-7")]
    public void Until_it_is_opened_everything_is_covered()
    {
        var view = new RemoteView(5);
        Assert.Equal(Coverage.Covered, view.Judge("k", "k", [], null, long.MaxValue - 1, out _));
        Assert.False(view.IsOpen);
        view.Open(7);
        Assert.Equal(Coverage.None, view.Judge("k", "k", [], null, 7, out _));
        Assert.Equal(Coverage.Covered, view.Judge("k", "k", [], null, 6, out _));
    }

    [Fact]
    [Trait("clause", "R-8")]
    public void Events_on_the_same_subject_need_no_room()
    {
        var view = new RemoteView(5, maxSubjects: 4);
        view.Open(0);
        for (int i = 1; i < 100; i++) view.Remember(Invalidation.Tag("t"), i, 0);
        Assert.Equal(0, view.Floor);
        for (int i = 100; i < 108; i++) view.Remember(Invalidation.Key("k" + i), i, 0);
        Assert.InRange(view.Floor, 99, 105);
    }
}
