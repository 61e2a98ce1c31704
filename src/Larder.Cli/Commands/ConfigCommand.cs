using System.CommandLine;
using System.Globalization;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Commands;

/// <summary><c>larder config</c>: what has to do with configuration files.</summary>
internal sealed class ConfigCommand : ExampleCommand
{
    public ConfigCommand() : base("config", "Look at a configuration file.", ["larder config check larder.json"]) => Add(new ConfigCheckCommand());
}

/// <summary><c>larder config check FILE</c>: every mistake of a file, or how many rules it has.</summary>
internal sealed class ConfigCheckCommand : ExampleCommand
{
    private readonly Argument<string> _file = new("FILE") { Description = "The configuration: .json, .yaml or .yml" };

    public ConfigCheckCommand() : base("check", "Read a configuration file as 'serve' would, and the variables for Redis, and show every mistake.", ["larder config check larder.json", "larder config check larder.yaml"])
    {
        Add(_file);
        SetAction(Run);
    }

    private int Run(ParseResult call)
    {
        ConfigurationResult read = ConfigFile.Read(call.GetRequiredValue(_file));
        // Without an origin, which a flag may say, there would be no options; any will do here.
        if (read is { Options: null, Problems.Count: 0 }) read = ConfigFile.Read(call.GetRequiredValue(_file), new(Origin: "http://origin.invalid"));
        (_, IReadOnlyList<ConfigProblem> ofRedis) = read.Problems.Count > 0 ? (null, []) : RedisSettings.Read(read.Options?.Redis, "redis");
        if (read.Problems.Count + ofRedis.Count > 0) return Mistakes.Show([.. read.Problems, .. ofRedis], call.InvocationConfiguration.Error);
        call.InvocationConfiguration.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ok: {Mistakes.Rules(read.RuleCount)}"));
        return ExitCodes.Ok;
    }
}
