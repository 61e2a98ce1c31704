namespace Larder.Redis;

/// <summary>Whether the files are there that options name.</summary>
/// <remarks>Asked at the start only: later they are read anew for each connection, and one that is just being replaced is no mistake.</remarks>
internal static class RedisTlsFiles
{
    public static IEnumerable<string> Missing(RedisTlsOptions? tls)
    {
        if (tls is null) yield break;
        foreach ((string option, string keyword, string? file) in new[]
        {
            (nameof(tls.TrustedRootsFile), "caFile", tls.TrustedRootsFile), (nameof(tls.ClientCertificateFile), "certFile", tls.ClientCertificateFile), (nameof(tls.ClientKeyFile), "keyFile", tls.ClientKeyFile),
        })
            if (file is not null && !File.Exists(file)) yield return $"{nameof(RedisOptions.Tls)}.{option} ({keyword}) is '{file}'; there is no such file, or it can't be seen from here.";
    }
}
