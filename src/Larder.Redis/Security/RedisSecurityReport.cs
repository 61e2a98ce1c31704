namespace Larder.Redis;

/// <summary>How well the way to Redis is secured.</summary>
public enum RedisSecurityLevel : byte
{
    /// <summary>Whoever reaches the server, or the way to it, reads and changes what is cached.</summary>
    Low,
    /// <summary>A password is needed, but somebody on the way can read it, or stand in for the server.</summary>
    Medium,
    /// <summary>A password is needed, and the way is encrypted to a server that is known.</summary>
    High,
}

/// <summary>One thing that could be better.</summary>
/// <param name="Problem">What it is, for a person; never a secret.</param>
/// <param name="Advice">What to do about it.</param>
/// <param name="CostsLevel">Whether the level would be higher without it.</param>
public sealed record RedisSecurityFinding(string Problem, string Advice, bool CostsLevel);

/// <summary>What the options say about security. It is made of options alone: no server is asked.</summary>
/// <param name="Level">The level that is reached.</param>
/// <param name="Findings">What could be better, the worst first; empty where nothing is known.</param>
public sealed record RedisSecurityReport(RedisSecurityLevel Level, IReadOnlyList<RedisSecurityFinding> Findings)
{
    /// <summary>A password that is shorter can be guessed: Redis answers hundreds of thousands of attempts a second.</summary>
    private const int ShortPassword = 16;

    /// <summary>Judges options.</summary>
    public static RedisSecurityReport Of(RedisOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var findings = new List<RedisSecurityFinding>();
        bool hasPassword = options.Password is { Length: > 0 };
        bool isKnownServer = options.Tls is { DangerouslyAcceptAnyCertificate: false };
        if (!hasPassword)
            Add(true, "There is no password: whoever reaches the server reads and changes everything.", "Give an ACL user and a password, or requirepass.");
        if (options.Tls is null)
            Add(true, "The way to the server is not encrypted.", "Use TLS (rediss://, or ssl=true).");
        else if (!isKnownServer)
            Add(true, "The server's certificate is not checked: anybody on the way can stand in for it.", $"Leave {nameof(RedisTlsOptions.DangerouslyAcceptAnyCertificate)} off and name the roots to trust.");
        if (hasPassword && options.Password!.Length < ShortPassword)
            Add(false, $"The password has fewer than {ShortPassword} characters.", "Use a long random one; nobody has to type it.");
        if (hasPassword && options.User is null)
            Add(false, "The server's default user is used, which may do everything.", "Use an ACL user with the rights that are needed and no others.");
        if (options.SentinelMaster is not null && options.SentinelPassword is null)
            Add(false, "The sentinels need no password: whoever reaches them can name another master.", "Give them one (sentinelPassword).");
        if (options.Tls is { ClientCertificate: null, ClientCertificateFile: null })
            Add(false, "This client shows no certificate.", "Where the server asks for one (tls-auth-clients), a stolen password alone is of no use.");
        if (!options.Encryption.IsOn)
            Add(false, "What is stored can be read by whoever reads the server's memory or its dumps.", $"Set {nameof(RedisOptions.Encryption)} where personal data is cached.");
        RedisSecurityLevel level = !hasPassword ? RedisSecurityLevel.Low : isKnownServer ? RedisSecurityLevel.High : RedisSecurityLevel.Medium;
        return new(level, findings);

        void Add(bool costsLevel, string problem, string advice) => findings.Add(new(problem, advice, costsLevel));
    }

    /// <summary>The level and the findings, a line each.</summary>
    public override string ToString() =>
        string.Join(Environment.NewLine, [$"security level {Level.ToString().ToUpperInvariant()}", .. Findings.Select(finding => $"- {finding.Problem} {finding.Advice}")]);
}
