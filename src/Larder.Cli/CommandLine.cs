using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Larder.Cli.Commands;

namespace Larder.Cli;

/// <summary>The tool's commands, and how a call of it becomes an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Runs one call.</summary>
    /// <param name="cancel">Ends a command that runs until it is stopped, as a signal does.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken cancel = default)
    {
        ParseResult call = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (call.Action is ParseErrorAction)
        {
            foreach (string message in call.Errors.Select(e => e.Message).Distinct()) await error.WriteLineAsync($"larder: {message}");
            await error.WriteLineAsync($"larder: see '{PathOf(call.CommandResult.Command)} --help'");
            return ExitCodes.Usage;
        }
        // Signals are the host's: it stops cleanly, which this library would cut short.
        var invocation = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        return await call.InvokeAsync(invocation, cancel);
    }

    /// <summary>A command as it is typed: <c>larder config check</c>.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : command.Name;

    private static Command Root()
    {
        // A plain command, since a root command is called after the program's file.
        var root = new ExampleCommand("larder", "A response cache for APIs, as a reverse proxy.", ["larder serve --origin http://127.0.0.1:8081", "larder config check larder.json", "larder serve --help"]);
        root.Add(new HelpOption { Recursive = true, Action = new HelpWithExamples() });
        root.Add(new Option<bool>("--version") { Description = "Show the version", Action = new ShowVersion() });
        root.Add(new ServeCommand());
        root.Add(new ConfigCommand());
        root.Add(new PurgeCommand());
        root.Add(new ExplainCommand());
        return root;
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            string version = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            parseResult.InvocationConfiguration.Output.WriteLine($"larder {version.Split('+')[0]}");
            return ExitCodes.Ok;
        }
    }
}
