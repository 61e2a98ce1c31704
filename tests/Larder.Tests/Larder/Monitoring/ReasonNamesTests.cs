using Larder;

namespace Larder.Tests.Monitoring;

public sealed class ReasonNamesTests
{
    [Theory]
    [InlineData(Reason.HitMemory, "hit-memory", Outcome.Hit)]
    [InlineData(Reason.StaleError, "stale-error", Outcome.Stale)]
    [InlineData(Reason.MissCold, "miss-cold", Outcome.Miss)]
    [InlineData(Reason.MissIncompatible, "miss-incompatible", Outcome.Miss)]
    [InlineData(Reason.BypassMethod, "bypass-method", Outcome.Bypass)]
    [InlineData(Reason.BypassLimit, "bypass-limit", Outcome.Bypass)]
    [InlineData(Reason.ErrorOnlyIfCached, "error-only-if-cached", Outcome.Error)]
    public void A_reason_has_one_word_and_one_outcome(Reason reason, string name, Outcome outcome)
    {
        Assert.Equal(name, reason.Name());
        Assert.Equal(outcome, reason.Outcome());
    }

    [Fact]
    public void The_word_tells_the_outcome_of_every_reason_that_ends_a_call()
    {
        foreach (Reason reason in Enum.GetValues<Reason>())
        {
            string prefix = reason.Name().Split('-')[0];
            if (prefix is "none" or "unstored")
                Assert.Throws<ArgumentOutOfRangeException>(() => reason.Outcome());
            else
                Assert.Equal(prefix, reason.Outcome().ToString().ToLowerInvariant());
        }
    }
}
