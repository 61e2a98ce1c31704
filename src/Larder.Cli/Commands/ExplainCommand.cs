using System.CommandLine;
using Larder.AspNetCore;
using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Commands;

/// <summary><c>larder explain URL --config FILE</c>: which rule holds for a URL, and what it says.</summary>
internal sealed class ExplainCommand : ExampleCommand
{
    private readonly Argument<string> _url = new("URL") { Description = "The URL as clients ask for it, with the host that they name" };
    private readonly Option<string> _config = new("--config") { Description = "The configuration: .json, .yaml or .yml", HelpName = "FILE", Required = true };
    private readonly Option<string> _method = new("--method") { Description = "The request's method", HelpName = "METHOD", DefaultValueFactory = static _ => "GET" };

    public ExplainCommand() : base("explain", "Say which rule of a configuration holds for a URL, and what it does.",
    [
        "larder explain http://shop.example.com/products/7?utm_source=mail --config larder.yaml",
        "larder explain http://shop.example.com/products/7 --method PUT --config larder.yaml",
    ])
    {
        Add(_url);
        Add(_config);
        Add(_method);
        SetAction(Run);
    }

    private int Run(ParseResult call)
    {
        TextWriter error = call.InvocationConfiguration.Error;
        string text = call.GetRequiredValue(_url), method = call.GetRequiredValue(_method);
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
        {
            error.WriteLine($"larder: {Shown.Url(text)} is not allowed; an absolute http or https URL");
            return ExitCodes.Usage;
        }
        if (!HttpToken.Is(method))
        {
            error.WriteLine("larder: --method is not allowed; a method such as GET");
            return ExitCodes.Usage;
        }
        ConfigurationResult read = ConfigFile.Read(call.GetRequiredValue(_config));
        // Without an origin there would be no options; any will do here.
        if (read is { Options: null, Problems.Count: 0 }) read = ConfigFile.Read(call.GetRequiredValue(_config), new(Origin: "http://origin.invalid"));
        if (read.Problems.Count > 0) return Mistakes.Show(read.Problems, error);
        (string Name, string Says)[] lines = [.. RuleExplanation.Of(new(read.Options!.Rules), method, url)];
        int width = lines.Max(static line => line.Name.Length);
        foreach ((string name, string says) in lines) call.InvocationConfiguration.Output.WriteLine($"{name.PadRight(width)}  {says}");
        return ExitCodes.Ok;
    }
}
