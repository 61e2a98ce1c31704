using Microsoft.Extensions.Options;

namespace Larder.Redis;

/// <summary>Refuses options that can't work, naming every field, its value and its range at once; secrets are named without their value.</summary>
internal sealed class RedisOptionsValidator : IValidateOptions<RedisOptions>
{
    public ValidateOptionsResult Validate(string? name, RedisOptions options)
    {
        List<string> problems = [.. Problems(name, options), .. RedisTlsFiles.Missing(options.Tls)];
        string of = string.IsNullOrEmpty(name) ? "" : $"Redis '{name}': ";
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems.Select(problem => of + problem));
    }

    private static List<string> Problems(string? name, RedisOptions options)
    {
        var problems = new List<string>(options.Unreadable);
        Check(options.Endpoints.Count is >= 1 and <= 100, nameof(options.Endpoints), $"of {options.Endpoints.Count} servers", "1 to 100 servers");
        foreach (RedisEndpoint endpoint in options.Endpoints) Check(endpoint is not null && RedisEndpoint.IsValid(endpoint), nameof(options.Endpoints), $"'{endpoint}'", "host, host:port, [address]:port or /path");
        Check(options.User is null or { Length: > 0 and <= 1024 } && IsText(options.User), nameof(options.User), "given", "1 to 1,024 characters of text");
        Check(options.Password is null or { Length: > 0 and <= 4096 } && IsText(options.Password), nameof(options.Password), "given", "1 to 4,096 characters of text");
        Check(options.User is null || options.Password is not null, nameof(options.User), "given", $"none without {nameof(options.Password)}");
        Check(options.ClientName is { Length: > 0 and <= 64 } && !options.ClientName.AsSpan().ContainsAnyExceptInRange('!', '~'), nameof(options.ClientName), "given", "1 to 64 printable ASCII characters without blanks");
        Check(options.Database is >= 0 and <= 65_535, nameof(options.Database), options.Database, "0 to 65,535");
        string prefix = options.PrefixFor(name ?? "");
        Check(RedisNames.IsPrefix(prefix), nameof(options.Prefix), $"'{prefix}'", $"1 to {RedisNames.MaxPrefixLength} letters, digits, colons, dots, underscores and dashes");
        Check(Enum.IsDefined(options.Strictness), nameof(options.Strictness), options.Strictness, "Available or Strict");
        CheckTopology();
        CheckSpan(nameof(options.Timeout), options.Timeout, TimeSpan.FromMilliseconds(1));
        CheckSpan(nameof(options.ConnectTimeout), options.ConnectTimeout, TimeSpan.FromMilliseconds(50));
        CheckSpan(nameof(options.LongestBackoff), options.LongestBackoff, TimeSpan.FromMilliseconds(10));
        CheckSpan(nameof(options.Heartbeat), options.Heartbeat, TimeSpan.FromMilliseconds(100));
        CheckSpan(nameof(options.Silence), options.Silence, TimeSpan.FromMilliseconds(100));
        Check(options.MaxInFlight is >= 1 and <= 1_000_000, nameof(options.MaxInFlight), options.MaxInFlight, "1 to 1,000,000");
        Check(options.MaxUnsentBytes is >= 1024 and <= 1 << 30, nameof(options.MaxUnsentBytes), options.MaxUnsentBytes, "1,024 to 1 GiB");
        Check(options.MaxReplyBytes is >= 1024 and <= 2_000_000_000, nameof(options.MaxReplyBytes), options.MaxReplyBytes, "1,024 to 2,000,000,000");
        Check(options.MaxEntryBytes is >= 1024 and <= 1 << 30, nameof(options.MaxEntryBytes), options.MaxEntryBytes, "1,024 to 1 GiB");
        CheckBreaker(options.Breaker);
        if (options.Tls is { } tls) CheckTls(tls);
        problems.AddRange(options.Encryption.Problems());
        CheckSecurity();
        return problems;

        void CheckTopology()
        {
            const string Text = " characters of text", OnlyWith = "none without ";
            Check(IsGroup(options.SentinelMaster), nameof(options.SentinelMaster), "given", "1 to 128 letters, digits and . - _");
            Check(options.SentinelUser is null or { Length: > 0 and <= 1024 } && IsText(options.SentinelUser), nameof(options.SentinelUser), "given", "1 to 1,024" + Text);
            Check(options.SentinelPassword is null or { Length: > 0 and <= 4096 } && IsText(options.SentinelPassword), nameof(options.SentinelPassword), "given", "1 to 4,096" + Text);
            Check(options.SentinelUser is null || options.SentinelPassword is not null, nameof(options.SentinelUser), "given", OnlyWith + nameof(options.SentinelPassword));
            Check(options.SentinelPassword is null || options.SentinelMaster is not null, nameof(options.SentinelPassword), "given", OnlyWith + nameof(options.SentinelMaster));
            Check(!options.Cluster || options.SentinelMaster is null, nameof(options.Cluster), "on", "none with " + nameof(options.SentinelMaster));
            Check(!options.Cluster || options.Database == 0, nameof(options.Cluster), "on", $"only {nameof(options.Database)} 0 with it");
        }

        void CheckBreaker(RedisBreakerOptions breaker)
        {
            const string Path = nameof(options.Breaker) + ".";
            Check(breaker.FailuresInRow is >= 1 and <= 10_000, Path + nameof(breaker.FailuresInRow), breaker.FailuresInRow, "1 to 10,000");
            Check(breaker.FailureShare is > 0 and <= 1, Path + nameof(breaker.FailureShare), breaker.FailureShare, "above 0, up to 1");
            Check(breaker.WindowFailures is >= 1 and <= 1_000_000, Path + nameof(breaker.WindowFailures), breaker.WindowFailures, "1 to 1,000,000");
            Check(breaker.Window >= TimeSpan.FromMilliseconds(100) && breaker.Window <= TimeSpan.FromMinutes(10), Path + nameof(breaker.Window), breaker.Window, "100 ms to 10 minutes");
            Check(breaker.OpenFor >= TimeSpan.FromMilliseconds(10) && breaker.OpenFor <= TimeSpan.FromMinutes(5), Path + nameof(breaker.OpenFor), breaker.OpenFor, "10 ms to 5 minutes");
        }

        void CheckSecurity()
        {
            Check(Enum.IsDefined(options.LeastSecurity), nameof(options.LeastSecurity), options.LeastSecurity, "Low, Medium or High");
            RedisSecurityReport report = RedisSecurityReport.Of(options);
            if (report.Level >= options.LeastSecurity) return;
            problems.Add($"Security is {report.Level}, and {nameof(options.LeastSecurity)} is {options.LeastSecurity}.");
            problems.AddRange(report.Findings.Where(finding => finding.CostsLevel).Select(finding => $"{finding.Problem} {finding.Advice}"));
        }

        void CheckTls(RedisTlsOptions tls)
        {
            const string Path = nameof(options.Tls) + ".";
            Check(tls.PinnedCertificate is null || IsSha256(tls.PinnedCertificate), Path + nameof(tls.PinnedCertificate), "given", "a SHA-256 of 64 hex digits");
            Check(tls.ClientKeyFile is null || tls.ClientCertificateFile is not null, Path + nameof(tls.ClientKeyFile), "given", $"none without {Path}{nameof(tls.ClientCertificateFile)}");
            Check(tls.ClientCertificate is null or { HasPrivateKey: true }, Path + nameof(tls.ClientCertificate), "without its key", "one with its key");
            Check(tls.ServerName is not null || tls.PinnedCertificate is not null || tls.DangerouslyAcceptAnyCertificate || !options.Endpoints.Any(endpoint => endpoint is { IsUnix: true }),
                Path + nameof(tls.ServerName), "not given", "a name, as a Unix socket has none");
        }

        static bool IsText(string? text) => text is null || !text.Contains('\0') && System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text)) == text;

        static bool IsSha256(string text)
        {
            string digits = text.Replace(":", "", StringComparison.Ordinal);
            return digits.Length == 64 && digits.All(char.IsAsciiHexDigit);
        }

        void CheckSpan(string field, TimeSpan span, TimeSpan least) => Check(span >= least && span <= TimeSpan.FromMinutes(1), field, span, $"{least.TotalMilliseconds} ms to 1 minute");

        void Check(bool holds, string field, object? value, string range)
        {
            if (!holds) problems.Add(FormattableString.Invariant($"{field} is {value}; allowed is {range}."));
        }
    }

    /// <summary>Whether it is a name that sentinels give a group, or none.</summary>
    public static bool IsGroup(string? name) => name is null || name.Length is > 0 and <= 128 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>For what is made while the program runs, too: files are looked for at the start only.</summary>
    /// <exception cref="ArgumentException">The options can't work.</exception>
    public static void Require(RedisOptions options)
    {
        if (Problems(null, options) is { Count: > 0 } problems) throw new ArgumentException(string.Join("; ", problems), nameof(options));
    }
}
