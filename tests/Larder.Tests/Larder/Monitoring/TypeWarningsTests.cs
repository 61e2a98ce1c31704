using Larder.Tests.Support;

namespace Larder.Tests.Monitoring;

public sealed class TypeWarningsTests
{
    private static readonly Type[] Types = [.. typeof(object).Assembly.GetTypes().Take(TypeWarnings.MostTypes + 1)];

    [Fact]
    public void A_type_is_told_of_once_a_minute()
    {
        var time = new ManualTimeProvider();
        var warnings = new TypeWarnings(new CacheClock(time));
        Assert.Equal((true, false, true), (warnings.IsDue(typeof(int)), warnings.IsDue(typeof(int)), warnings.IsDue(typeof(string))));
        time.Advance(TimeSpan.FromMilliseconds(TypeWarnings.PauseMs - 1));
        Assert.False(warnings.IsDue(typeof(int)));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((true, false), (warnings.IsDue(typeof(int)), warnings.IsDue(typeof(int))));
    }

    [Fact]
    public void So_many_types_are_remembered_and_no_more()
    {
        var time = new ManualTimeProvider();
        var warnings = new TypeWarnings(new CacheClock(time));
        Type[] types = [.. Types.Take(TypeWarnings.MostTypes)];
        Type further = Types[^1];
        Assert.All(types, type => Assert.True(warnings.IsDue(type)));
        Assert.False(warnings.IsDue(further));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((true, true, false), (warnings.IsDue(further), warnings.IsDue(types[0]), warnings.IsDue(further)));
    }
}
