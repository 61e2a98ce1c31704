using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Larder.Tests.Examples;

/// <summary>The code of every page of features stands in an example, which is compiled and run.</summary>
public sealed class Pages
{
    /// <summary>What they show is the pipeline of a whole program, which their own tests and samples run.</summary>
    private static readonly string[] Exempt = ["gateway", "http-caching"];

    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", ".."));

    private static readonly string Examples = string.Concat(
        Directory.EnumerateFiles(Path.GetDirectoryName(ThisFile())!, "*.cs").Select(file => Flat(File.ReadAllText(file)) + "\0"));

    public static TheoryData<string> All() =>
        [.. Directory.EnumerateFiles(Path.Combine(Root, "docs/features"), "*.md").Select(file => Path.GetFileNameWithoutExtension(file)).Except(Exempt).Order()];

    [Theory, MemberData(nameof(All))]
    public void The_code_of_a_page_is_that_of_an_example(string page)
    {
        string text = Read($"docs/features/{page}.md");
        Assert.NotEmpty(Blocks(text));
        Assert.Empty(Missing(text));
        // Were one line another, each block would be missed.
        Assert.Equal(Blocks(text).Length, Missing(text.Replace("\n```\n", "\nNot();\n```\n", StringComparison.Ordinal)).Length);
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    private static string[] Missing(string page) => [.. Blocks(page).Where(block => !Examples.Contains(block, StringComparison.Ordinal))];

    private static string[] Blocks(string page) =>
        [.. Regex.Matches(page, "```csharp\n(.*?)```", RegexOptions.Singleline).Select(m => Flat(m.Groups[1].Value))];

    /// <summary>Without indentation and empty lines, which differ between a page and a file; whole lines, each between two line ends.</summary>
    private static string Flat(string code) => "\n" + string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)) + "\n";

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
