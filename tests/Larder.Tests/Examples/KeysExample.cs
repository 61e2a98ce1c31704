namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/keys.md.</summary>
public sealed class KeysExample
{
    [Fact]
    public async Task Runs()
    {
        using var cache = new LarderCache();

        string userId = "ann";
        using var article = new StringReader(new string('x', 5000));

        CacheKey list = cache.Keys.ForEndpoint("prompt.list", [("page", 1), ("tags", new[] { "a", "b" })], user: userId);
        CacheKey jobs = cache.Keys.ForRequest("GET", "/jobs", "b=2&a=1", headers: [("Accept", "text/html")]);
        CacheKey summary = cache.Keys.ForOperation("summarize", "a short text", options: [("max_length", 100)], question: "Why?");
        CacheKey longText = await cache.Keys.ForOperationAsync("summarize", article);

        List<string> prompts = await cache.GetOrCreateAsync(list, token => LoadPromptsAsync(userId, token));
        await cache.InvalidateAsync(Invalidation.Glob("prompt.list *"));
        await cache.InvalidateAsync(Invalidation.User(userId));

        KeyTimingStatistics? timings = cache.Keys.Timings;

        Assert.Equal(["of ann"], prompts);
        Assert.False(cache.Exists(list));
        Assert.Equal(4, timings!.Count);
        string[] shown = [list.Text, jobs.Text, summary.Text, longText.Text];
        string page = Pages.Read("docs/features/keys.md").Replace("\\|", "|", StringComparison.Ordinal);
        // The page shortens the digest.
        Assert.All(shown, text => Assert.Contains(text.Length > 80 ? text[..21] : text, page, StringComparison.Ordinal));
    }

    private static ValueTask<List<string>> LoadPromptsAsync(string userId, CancellationToken cancellationToken) => new([$"of {userId}"]);
}
