using System.Net;
using Larder.Gateway.Configuration;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Larder.Gateway.Hosting;

/// <summary>Opens the listeners of the configuration.</summary>
internal static class Listeners
{
    /// <summary>Has the server listen at each URL.</summary>
    /// <param name="certificate">Null where no URL is https.</param>
    public static void Add(KestrelServerOptions kestrel, GatewayOptions options, ListenerCertificate? certificate)
    {
        foreach (string url in options.Urls)
        {
            (bool secure, string host, int port) = ListenUrl.Split(url);
            bool http2 = options.Http2Urls.Contains(url, StringComparer.OrdinalIgnoreCase);
            if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) kestrel.ListenLocalhost(port, Configure);
            else if (IPAddress.TryParse(host, out IPAddress? address)) kestrel.Listen(address, port, Configure);
            else kestrel.ListenAnyIP(port, Configure);

            void Configure(ListenOptions listen)
            {
                // Without TLS nothing negotiates the version: a listener speaks one.
                listen.Protocols = secure ? HttpProtocols.Http1AndHttp2 : http2 ? HttpProtocols.Http2 : HttpProtocols.Http1;
                if (secure) listen.UseHttps((certificate ?? throw new ArgumentException($"{url} needs a certificate.", nameof(options))).Callback(listen.Protocols));
            }
        }
    }
}
