namespace Larder;

/// <summary>What <see cref="ActionCache"/> keeps, and for how long.</summary>
public sealed class ActionCacheOptions
{
    /// <summary>
    /// Lifetimes of reads, by pattern: an action (<c>prompt.list</c>), an ending (<c>*.list</c>, which is also <c>list</c>
    /// alone), a beginning (<c>prompt.*</c>) or all (<c>*</c>). The longest pattern that matches holds; zero is never cached, and so is
    /// what no pattern matches. Change or remove what is here by default, or add to it.
    /// </summary>
    public IDictionary<string, TimeSpan> Ttls { get; } = new Dictionary<string, TimeSpan>(StringComparer.OrdinalIgnoreCase)
    {
        ["*.list"] = TimeSpan.FromSeconds(180),
        ["*.status"] = TimeSpan.FromSeconds(60),
        ["*.get"] = TimeSpan.FromSeconds(120),
        ["*.search"] = TimeSpan.FromSeconds(60),
        ["*.analyze"] = TimeSpan.FromSeconds(120),
        ["*.schema"] = TimeSpan.FromSeconds(3600),
        ["*.config"] = TimeSpan.FromSeconds(600),
        ["*.health.check"] = TimeSpan.FromSeconds(300),
        ["*.metrics.get"] = TimeSpan.FromSeconds(300),
        ["*"] = TimeSpan.FromSeconds(300),
    };

    /// <summary>The last parts of actions that change something; whatever has none of them is a read.</summary>
    public ISet<string> WriteVerbs { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "create", "update", "delete", "add", "remove", "clear", "execute", "generate",
    };
}
