using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using static Larder.Tests.Http.Rfc9111.Messages;

namespace Larder.Tests.Http.Rfc9111;

public class ReuseTests
{
    private static StoredFacts Stored(string cacheControl, int lifetime = 100) =>
        new(Ok(("Cache-Control", cacheControl)), TimeSpan.FromSeconds(lifetime));

    private static RequestFacts Wanting(string cacheControl) => Request(("Cache-Control", cacheControl));

    private static TimeSpan Age(double seconds) => TimeSpan.FromSeconds(seconds);

    [Theory]
    [InlineData("", "max-age=100", 99.9, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("", "max-age=100", 100, nameof(ReuseKind.Validate), Reason.MissExpired)]
    [InlineData("", "no-cache, max-age=100", 0, nameof(ReuseKind.Validate), Reason.MissValidate)]
    [InlineData("", "no-cache=\"a\", max-age=100", 0, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("", "must-revalidate, max-age=100", 50, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("nothing-to-see-here", "max-age=100", 50, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("no-cache", "max-age=100", 0, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-age=0", "max-age=100", 0, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-age=x", "max-age=100", 0, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-age=10", "max-age=100", 10, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("max-age=10", "max-age=100", 10.1, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-age=1000", "max-age=100", 101, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("min-fresh=50", "max-age=100", 50, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("min-fresh=50", "max-age=100", 51, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("min-fresh=200", "max-age=100", 0, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-stale", "max-age=100", 99999, nameof(ReuseKind.Stale), Reason.Stale)]
    [InlineData("max-stale=10", "max-age=100", 110, nameof(ReuseKind.Stale), Reason.Stale)]
    [InlineData("max-stale=10", "max-age=100", 110.1, nameof(ReuseKind.Validate), Reason.MissExpired)]
    [InlineData("max-stale=10", "max-age=100", 50, nameof(ReuseKind.Fresh), Reason.HitMemory)]
    [InlineData("max-stale, max-age=105", "max-age=100", 104, nameof(ReuseKind.Stale), Reason.Stale)]
    [InlineData("max-stale, max-age=105", "max-age=100", 106, nameof(ReuseKind.Validate), Reason.MissRequest)]
    [InlineData("max-stale", "max-age=100, must-revalidate", 101, nameof(ReuseKind.Validate), Reason.MissExpired)]
    [InlineData("max-stale", "max-age=100, proxy-revalidate", 101, nameof(ReuseKind.Validate), Reason.MissExpired)]
    [InlineData("max-stale", "s-maxage=100", 101, nameof(ReuseKind.Validate), Reason.MissExpired)]
    public void Decides(string wanted, string stored, double age, string kind, Reason reason) =>
        Assert.Equal(new ReuseDecision(Enum.Parse<ReuseKind>(kind), reason),
            Reuse.Decide(wanted == "" ? default : Wanting(wanted), Stored(stored), Age(age)));

    [Fact]
    public void Pragma_counts_only_without_cache_control()
    {
        StoredFacts s = Stored("max-age=100");
        Assert.Equal(Reason.MissRequest, Reuse.Decide(Request(("Pragma", "no-cache")), s, Age(1)).Reason);
        Assert.Equal(Reason.HitMemory, Reuse.Decide(Request(("Pragma", "foo")), s, Age(1)).Reason);
        Assert.Equal(Reason.HitMemory, Reuse.Decide(Request(("Pragma", "no-cache"), ("Cache-Control", "x")), s, Age(1)).Reason);
    }

    [Fact]
    public void Extreme_spans_saturate()
    {
        TimeSpan[] spans = [TimeSpan.MinValue, TimeSpan.Zero, TimeSpan.MaxValue];
        foreach (TimeSpan age in spans)
        foreach (TimeSpan lifetime in spans)
        {
            var s = new StoredFacts(Ok(("Cache-Control", "max-age=1, stale-if-error=99999999999999999999")), lifetime);
            RequestFacts q = Wanting("max-stale=99999999999999999999, min-fresh=0, stale-if-error=5");
            Reuse.Decide(q, s, age);
            Reuse.MayServeStaleOnError(s, age, q, TimeSpan.MaxValue, unreachable: true);
            Reuse.MayServeWhileRevalidating(s, age);
        }
    }

    [Fact]
    public void As_age_grows_the_decision_never_goes_back() =>
        Prop.ForAll(Messages.Hostile, Messages.Hostile, (wanted, stored) =>
        {
            RequestFacts q = Wanting(wanted);
            StoredFacts s = Stored(stored, lifetime: 60);
            var last = ReuseKind.Fresh;
            foreach (double age in (double[])[0, 0.5, 1, 1.5, 59, 60, 61, 120, 121, 1e6, 3e9])
            {
                ReuseKind kind = Reuse.Decide(q, s, Age(age)).Kind;
                if (kind > last) return false;
                last = kind;
            }
            return true;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("max-age=100, stale-if-error=60", "", 160, true)]
    [InlineData("max-age=100, stale-if-error=60", "", 160.1, false)]
    [InlineData("max-age=100", "", 101, false)]
    [InlineData("max-age=100", "", 99, true)]
    [InlineData("max-age=100", "stale-if-error=60", 160, true)]
    [InlineData("max-age=100", "stale-if-error=60", 161, false)]
    [InlineData("s-maxage=100", "stale-if-error=60", 101, false)]
    [InlineData("s-maxage=100, stale-if-error=60", "", 101, true)]
    [InlineData("max-age=100, stale-if-error=60, must-revalidate", "", 101, false)]
    [InlineData("max-age=100, stale-if-error=60, proxy-revalidate", "", 101, false)]
    [InlineData("max-age=100, stale-if-error=60, no-cache", "", 1, false)]
    public void Stale_on_an_error_answer(string stored, string wanted, double age, bool allowed) =>
        Assert.Equal(allowed, Reuse.MayServeStaleOnError(
            Stored(stored), Age(age), wanted == "" ? default : Wanting(wanted), Age(1000), unreachable: false));

    [Theory]
    [InlineData("max-age=100", 200, true)]
    [InlineData("max-age=100", 201, false)]
    [InlineData("max-age=100, must-revalidate", 101, false)]
    [InlineData("max-age=100, proxy-revalidate", 101, false)]
    [InlineData("max-age=100, s-maxage=100", 101, false)]
    [InlineData("max-age=100, no-cache", 1, false)]
    [InlineData("max-age=100, stale-if-error=500", 500, true)]
    public void Stale_while_the_origin_cannot_be_reached(string stored, double age, bool allowed)
    {
        Assert.Equal(allowed, Reuse.MayServeStaleOnError(Stored(stored), Age(age), default, Age(100), unreachable: true));
        if (!stored.Contains("stale-if-error", StringComparison.Ordinal))
            Assert.False(Reuse.MayServeStaleOnError(Stored(stored), Age(age), default, TimeSpan.Zero, unreachable: true));
    }

    [Theory]
    [InlineData("max-age=100, stale-while-revalidate=10", 99, false)]
    [InlineData("max-age=100, stale-while-revalidate=10", 100, true)]
    [InlineData("max-age=100, stale-while-revalidate=10", 110, true)]
    [InlineData("max-age=100, stale-while-revalidate=10", 111, false)]
    [InlineData("max-age=100", 101, false)]
    [InlineData("s-maxage=100, stale-while-revalidate=10", 101, true)]
    [InlineData("max-age=100, stale-while-revalidate=10, must-revalidate", 101, false)]
    [InlineData("max-age=100, stale-while-revalidate=10, proxy-revalidate", 101, false)]
    [InlineData("max-age=100, stale-while-revalidate=10, no-cache", 101, false)]
    public void Stale_while_revalidating(string stored, double age, bool allowed) =>
        Assert.Equal(allowed, Reuse.MayServeWhileRevalidating(Stored(stored), Age(age)));

    [Theory]
    [InlineData(500, true), InlineData(502, true), InlineData(503, true), InlineData(504, true)]
    [InlineData(501, false), InlineData(404, false), InlineData(200, false), InlineData(505, false)]
    public void Errors(int status, bool error) => Assert.Equal(error, Reuse.IsError(status));
}
