using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Larder.Tests;

/// <summary>What the design forbids stays forbidden.</summary>
public sealed class ArchitectureTests
{
    private static readonly string Source = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "src"));

    /// <summary>Dependencies point one way: each project may refer to those of a smaller number.</summary>
    private static readonly Dictionary<string, int> Levels = new()
    {
        ["Larder"] = 0,
        ["Larder.Redis"] = 1,
        ["Larder.AspNetCore"] = 1,
        ["Larder.AI"] = 1,
        ["Larder.Admin"] = 2,
        ["Larder.Gateway"] = 3,
        ["Larder.Cli"] = 4,
    };

    [Fact]
    public void The_engine_does_not_know_HTTP()
    {
        Assert.DoesNotContain(typeof(LarderCache).Assembly.GetReferencedAssemblies(), name => name.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
        Assert.DoesNotContain(Files("Larder"), file => Offends(File.ReadAllText(file)));
        Assert.DoesNotContain("Microsoft.AspNetCore", File.ReadAllText(Path.Combine(Source, "Larder", "Larder.csproj")), StringComparison.Ordinal);
        Assert.True(Offends("using Microsoft.AspNetCore.Http;"));

        static bool Offends(string text) => text.Contains("Microsoft.AspNetCore", StringComparison.Ordinal);
    }

    [Fact]
    public void Dependencies_point_one_way()
    {
        string[] projects = [.. Directory.EnumerateFiles(Source, "*.csproj", SearchOption.AllDirectories)];
        Assert.True(projects.Length >= 4);
        foreach (string project in projects)
        {
            string name = Path.GetFileNameWithoutExtension(project);
            foreach (XElement reference in XDocument.Load(project).Descendants("ProjectReference"))
            {
                string other = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
                Assert.True(Levels[other] < Levels[name], $"{name} refers to {other}");
            }
        }
    }

    [Fact]
    public void Files_are_short_and_have_no_regions()
    {
        string[] files = [.. Files("")];
        Assert.True(files.Length > 100);
        foreach (string file in files)
        {
            string[] lines = File.ReadAllLines(file);
            Assert.True(lines.Length < 400, $"{file} has {lines.Length} lines");
            Assert.DoesNotContain(lines, line => Regex.IsMatch(line, @"^\s*#\s*region"));
        }
    }

    private static IEnumerable<string> Files(string project) => Directory.EnumerateFiles(Path.Combine(Source, project), "*.cs", SearchOption.AllDirectories);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
