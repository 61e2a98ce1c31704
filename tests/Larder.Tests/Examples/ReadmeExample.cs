using System.Text.RegularExpressions;

namespace Larder.Tests.Examples;

/// <summary>The code on data of the README; its first program is a sample of its own.</summary>
public sealed class ReadmeExample
{
    private sealed record Price(string Id, decimal Amount);

    private sealed class Source
    {
        public ValueTask<Price> LoadAsync(string id, CancellationToken cancellationToken) => new(new Price(id, 1.5m));
    }

    [Fact]
    public async Task A_price_is_cached()
    {
        (string id, var source) = ("7", new Source());

        using var cache = new LarderCache();
        Price price = await cache.GetOrCreateAsync($"price:{id}", token => source.LoadAsync(id, token), new EntryOptions
        {
            Ttl = TimeSpan.FromMinutes(5),
            StaleIfError = TimeSpan.FromHours(1),
            SoftTimeout = TimeSpan.FromMilliseconds(200),
            HardTimeout = TimeSpan.FromSeconds(5),
            Tags = [$"price:{id}"],
        });

        Assert.Equal(new Price("7", 1.5m), price);
        Assert.True(cache.Exists("price:7"));
    }

    [Fact]
    public void It_is_the_code_of_the_README()
    {
        string block = Regex.Matches(Pages.Read("README.md"), "```csharp\n(.*?)```", RegexOptions.Singleline)[1].Groups[1].Value;
        Assert.Contains(Regex.Replace(block, "\n +", "\n"), Regex.Replace(Pages.Read("tests/Larder.Tests/Examples/ReadmeExample.cs"), "\n +", "\n"), StringComparison.Ordinal);
    }
}
