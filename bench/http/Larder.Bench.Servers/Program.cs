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

switch (args[0])
{
    case "mapget":
    {
        var app = builder.Build();
        app.MapAnswers();
        app.Run();
        return 0;
    }

    case "terminal":
    {
        var app = builder.Build();
        app.Run(Answers.AnswerAsync);
        app.Run();
        return 0;
    }

    case "outputcache":
    {
        builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromHours(1))));
        var app = builder.Build();
        app.UseOutputCache();
        app.MapAnswers(figure => figure.CacheOutput(policy => policy.NoCache()));
        app.Run();
        return 0;
    }

    case "larder":
    {
#if LARDER_HTTP
        builder.Services.AddLarder();
        var app = builder.Build();
        app.UseLarder();
        app.UseRouting();
        app.MapAnswers();
        app.Run();
        return 0;
#else
        return Usage("larder: built without app.UseLarder() (-p:LarderHttp=true)");
#endif
    }

    case "forwarder" when args.Length == 3:
    {
        var app = builder.Build();
        app.Run(new BareForwarder(new Uri(args[2])).ForwardAsync);
        app.Run();
        return 0;
    }

    default:
        return Usage("modes: mapget, terminal, outputcache, larder, forwarder <origin>");
}

static int Usage(string text)
{
    Console.Error.WriteLine(text);
    return 2;
}
