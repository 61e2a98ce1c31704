namespace Larder.Tests.Support;

/// <summary>Tests that use all cores or measure their thread run while no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
