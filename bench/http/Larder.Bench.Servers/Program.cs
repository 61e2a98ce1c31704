// One small server in several modes, so that nothing but the mode differs:
//   Larder.Bench.Servers <mode> <port> [origin]
//
//   mapget       an endpoint that writes prepared bytes: the ceiling; also the origin behind the proxies
//   terminal     the same bytes from a middleware, without routing
//   outputcache  ASP.NET Core's output cache before the endpoints
//   larder       Larder in process, before routing
//   forwarder    a reverse proxy of SocketsHttpHandler and nothing else, in front of [origin]

using System.Globalization;
using Larder.Bench.Servers;

if (args.Length < 2 || !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out int port))
    return Usage("<mode> <port> [origin]");

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));

WebApplication app;
switch (args[0])
{
    case "mapget":
        app = builder.Build();
        app.MapAnswers();
        break;

    case "terminal":
        app = builder.Build();
        app.Run(Answers.AnswerAsync);
        break;

    case "outputcache":
        builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromHours(1))));
        app = builder.Build();
        app.UseOutputCache();
        app.MapAnswers(figure => figure.CacheOutput(policy => policy.NoCache()));
        break;

    case "larder":
        builder.Services.AddLarder();
        app = builder.Build();
        app.UseLarder();
        app.UseRouting();
        app.MapAnswers();
        break;

    case "forwarder" when args.Length == 3:
        app = builder.Build();
        app.Run(new BareForwarder(new Uri(args[2])).ForwardAsync);
        break;

    default:
        return Usage($"mode '{args[0]}' is unknown; known: mapget, terminal, outputcache, larder, forwarder <origin>");
}
app.Run();
return 0;

static int Usage(string text)
{
    Console.Error.WriteLine(text);
    return 2;
}
