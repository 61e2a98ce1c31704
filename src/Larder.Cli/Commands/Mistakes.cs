using System.Globalization;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Commands;

/// <summary>How commands speak of a configuration.</summary>
internal static class Mistakes
{
    /// <summary>Writes one line for each mistake.</summary>
    /// <returns><see cref="ExitCodes.Usage"/></returns>
    public static int Show(IEnumerable<ConfigProblem> problems, TextWriter error)
    {
        foreach (ConfigProblem problem in problems) error.WriteLine(problem.ToString());
        return ExitCodes.Usage;
    }

    /// <summary>A number of rules in words: <c>1 rule</c>, <c>2 rules</c>.</summary>
    public static string Rules(int count) => count == 1 ? "1 rule" : string.Create(CultureInfo.InvariantCulture, $"{count} rules");
}
