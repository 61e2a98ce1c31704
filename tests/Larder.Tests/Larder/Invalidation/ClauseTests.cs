using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Larder.Tests.Invalidations;

/// <summary>Each clause of the norm is named by a test, and no test names one that is not there.</summary>
public sealed class ClauseTests
{
    [Fact]
    public void Every_clause_is_proved_by_a_test()
    {
        string norm = File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", "..", "docs", "invalidation.md"));
        string[] clauses = [.. Regex.Matches(norm, @"^- \*\*(I-\d+)\*\*", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        Assert.True(clauses.Length > 20);
        Assert.Equal(Enumerable.Range(1, clauses.Length).Select(i => $"I-{i}"), clauses);
        string[] proved = [.. typeof(ClauseTests).Assembly.GetTypes().SelectMany(Proved).Distinct()];
        Assert.Empty(clauses.Except(proved));
        // Those of the Redis tier are proved as they are built: each that is named is there.
        string[] remote = [.. Regex.Matches(norm, @"^- \*\*(R-\d+)\*\*", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        Assert.Empty(proved.Except(clauses).Except(remote));
    }

    private static IEnumerable<string> Proved(Type type)
    {
        MethodInfo[] tests = [.. type.GetMethods().Where(m => m.IsDefined(typeof(FactAttribute)))];
        return tests.Length == 0 ? [] : tests.Append<MemberInfo>(type)
            .SelectMany(member => member.GetCustomAttributes<TraitAttribute>()).Where(trait => trait.Name == "clause").Select(trait => trait.Value);
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
