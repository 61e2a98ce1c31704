namespace Larder.Tests.Wire;

public sealed class ConversionTests
{
    [Fact]
    public void Type_names_name_the_assembly_but_no_version()
    {
        Assert.Equal("System.Int32, System.Private.CoreLib", TypeNames.Of<int>());
        Assert.Equal(TypeNames.Of<int>(), TypeNames.Of<int?>());
        string name = TypeNames.Of<Dictionary<string, List<ConversionTests[]>>>();
        Assert.DoesNotContain("Version", name, StringComparison.Ordinal);
        Assert.Contains("[[Larder.Tests.Wire.ConversionTests[], Larder.Tests]]", name, StringComparison.Ordinal);
        Assert.Same(Type.GetType(name), typeof(Dictionary<string, List<ConversionTests[]>>));
        Assert.NotEqual(TypeNames.Of<List<int>>(), TypeNames.Of<List<long>>());
    }

    [Fact]
    public void Times_are_converted_there_and_back()
    {
        var saved = new ClockAnchor(1_000_000, 5_000);
        Assert.Equal(1_000_700, saved.ToWall(5_700));
        Assert.Equal(999_000, saved.ToWall(4_000));
        Assert.Equal(long.MaxValue, saved.ToWall(long.MaxValue));
        Assert.Equal(long.MaxValue, saved.ToWall(long.MaxValue - 1));
        var later = new ClockAnchor(1_010_000, 20);
        Assert.Equal((20 - 5_000, 20 + 15_000), (later.EndOf(1_000_000, 1_005_000), later.EndOf(1_000_000, 1_025_000)));
        Assert.Equal(20 - 10_000, later.StartOf(1_000_000));
        Assert.Equal(long.MaxValue, later.EndOf(1_000_000, long.MaxValue));
    }

    [Fact]
    public void A_wall_clock_set_back_adds_nothing_to_a_lifetime()
    {
        var back = new ClockAnchor(500_000, 20);
        Assert.Equal(20 + 5_000, back.EndOf(1_000_000, 1_005_000));
        Assert.Equal(20, back.StartOf(1_000_000));
    }

    [Fact]
    public void Windows_without_end_stay_without_end()
    {
        Assert.Equal(30, ClockAnchor.Between(10, 40));
        Assert.Equal(long.MaxValue, ClockAnchor.Between(10, long.MaxValue));
        Assert.Equal(0, ClockAnchor.Between(long.MaxValue, long.MaxValue));
    }
}
