using Larder.Gateway.Hosting;

namespace Larder.Gateway.Configuration;

/// <summary>Reads where the gateway listens, and with which certificate.</summary>
internal sealed class ListenReader(ConfigReport report, ConfigFiles files)
{
    private const string File = "the name of a file";

    /// <summary>The options with what the document says of them.</summary>
    public GatewayOptions Read(ConfigMembers members, GatewayOptions options)
    {
        var http2 = new List<string>();
        if (members.Mixed("urls", ListenUrl.Allowed, "url", "http2") is { } items)
        {
            var texts = new List<PlacedText>();
            foreach ((PlacedText? text, ConfigMembers? item) in items)
            {
                if ((text ?? Url(item!, http2)) is { } url) texts.Add(url);
            }
            options = options with { Urls = Urls(texts, report, flag: false), Http2Urls = http2 };
        }
        return options with { Tls = Tls(members) };
    }

    /// <summary>Those that the gateway can listen at, each once.</summary>
    public static List<string> Urls(IReadOnlyList<PlacedText> texts, ConfigReport report, bool flag)
    {
        var urls = new List<string>();
        foreach (PlacedText text in texts)
        {
            if (ListenUrl.Problem(text.Value) is { } allowed) report.RefuseUrl(text, allowed, flag);
            else if (urls.Contains(text.Value, StringComparer.OrdinalIgnoreCase) && !text.Value.EndsWith(":0", StringComparison.Ordinal)) report.RefuseUrl(text, "each URL once", flag);
            else urls.Add(text.Value);
        }
        return urls;
    }

    private PlacedText? Url(ConfigMembers item, List<string> http2)
    {
        PlacedText? url = item.Text("url", ListenUrl.Allowed);
        if (!item.Has("url")) report.Add(item.Line, item.Place, "url is missing");
        bool? asked = item.Flag("http2");
        if (url is { } text && asked is { } flag)
        {
            if (ListenUrl.IsSecure(text.Value)) report.Add(item.Line, item.Place, "http2 is for URLs that begin with http; with https it is negotiated");
            else if (text.Value.EndsWith(":0", StringComparison.Ordinal) && flag) report.Add(item.Line, item.Place, "a URL with http2 needs a port of its own");
            else if (flag) http2.Add(text.Value);
        }
        return url;
    }

    private TlsOptions? Tls(ConfigMembers members)
    {
        if (members.Object("tls", "certificate", "key", "password", "passwordFile") is not { } tls) return null;
        PlacedText? certificate = tls.Text("certificate", File), key = tls.Text("key", File), passwordFile = tls.Text("passwordFile", File);
        PlacedText? password = tls.Secret("password", "a text");
        if (!tls.Has("certificate")) report.Add(tls.Line, tls.Place, "certificate is missing: the name of a PEM or PKCS#12 file");
        if (tls.Has("password") && tls.Has("passwordFile")) report.Add(tls.Line, tls.Place, "only one of password and passwordFile is allowed");
        if (certificate is not { } named) return null;
        var options = new TlsOptions
        {
            Certificate = files.PathOf(named),
            Key = key is { } keyFile ? files.PathOf(keyFile) : null,
            Password = password?.Value,
            PasswordFile = passwordFile is { } secret ? files.PathOf(secret) : null,
        };
        CertificateFiles.Read(options, out string? problem);
        if (problem is not null) report.Add(named.Line, tls.Place, Shown.Sentence(problem));
        return options;
    }
}
