using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Larder.Cli.Configuration;

namespace Larder.Tests;

/// <summary>What the documents say of the code is compared with the code.</summary>
public sealed class DocumentationTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    [Fact]
    public void The_way_of_a_call_is_the_same_in_the_code_and_in_the_architecture()
    {
        string[] inCode = [.. Regex.Matches(Read("src/Larder/LarderCache.cs"), "/// <item>(.*)</item>").Select(m => m.Groups[1].Value)];
        string section = Read("ARCHITECTURE.md").Split("## The way of a call")[1].Split("\n## ")[0];
        string[] inDocument = [.. Regex.Matches(section, @"^\d+\. (.*)$", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        Assert.NotEmpty(inCode);
        Assert.Equal(inCode, inDocument);
    }

    [Fact]
    public void Every_reason_is_explained_and_no_other()
    {
        string[] explained = [.. Regex.Matches(Read("docs/reasons.md"), "^\\| `([a-z0-9-]+)` \\|", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        Assert.Equal(Enum.GetValues<Reason>().Where(r => r != Reason.None).Select(r => r.Name()).Order(), explained.Order());
    }

    [Fact]
    public void The_first_program_of_the_README_is_the_sample_that_is_built_and_run()
    {
        Assert.Contains("```csharp\n" + Read("samples/Larder.Samples.Quickstart/Program.cs") + "```", Read("README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_configurations_shown_are_right()
    {
        string yaml = Regex.Match(Read("docs/features/gateway.md"), "```yaml\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        string json = Regex.Match(Read("README.md"), "```json\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        Assert.Empty(ConfigFile.Parse(yaml, "larder.yaml").Problems);
        Assert.Empty(ConfigFile.Parse(json, "larder.json").Problems);
        Assert.Empty(ConfigFile.Parse(Read("samples/larder.json"), "larder.json").Problems);
        Assert.NotEmpty(ConfigFile.Parse(yaml.Replace("ttl:", "tll:", StringComparison.Ordinal), "larder.yaml").Problems);
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        foreach (string file in Directory.EnumerateFiles(Root, "*.md", SearchOption.AllDirectories).Where(IsOurs))
        {
            foreach (Match link in Regex.Matches(File.ReadAllText(file), @"\]\((?!https?:|#)([^)#]+)"))
                Assert.True(Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value)), $"{file} links to {link.Groups[1].Value}");
        }
    }

    private static bool IsOurs(string path) =>
        !Regex.IsMatch(Path.GetRelativePath(Root, path), @"(^|/|\\)(artifacts|node_modules|\.git)(/|\\)");

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
