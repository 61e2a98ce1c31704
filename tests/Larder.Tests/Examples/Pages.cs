using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Larder.Tests.Examples;

/// <summary>The pages whose code is that of the examples, which are compiled and run.</summary>
public sealed class Pages
{
    [Theory]
    [InlineData("keys", "KeysExample")]
    [InlineData("hybridcache", "HybridCacheExample")]
    [InlineData("distributed-cache", "DistributedCacheExample")]
    [InlineData("named-caches", "NamedCachesExample")]
    [InlineData("cached-methods", "CachedMethodsExample")]
    [InlineData("monitoring", "MonitoringExample")]
    [InlineData("actions", "ActionsExample")]
    public void The_code_of_a_page_is_that_of_its_example(string page, string example)
    {
        string code = Flat(Read($"tests/Larder.Tests/Examples/{example}.cs"));
        string[] blocks = [.. Regex.Matches(Read($"docs/features/{page}.md"), "```csharp\n(.*?)```", RegexOptions.Singleline).Select(m => Flat(m.Groups[1].Value))];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.Contains(block, code, StringComparison.Ordinal));
        Assert.DoesNotContain(blocks[0].Replace("Larder", "Lard", StringComparison.Ordinal) + "x", code, StringComparison.Ordinal);
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", path)).ReplaceLineEndings("\n");

    /// <summary>Without indentation and empty lines, which differ between a page and a file.</summary>
    private static string Flat(string code) => string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
