namespace Larder.Cli;

/// <summary>How the tool ends; part of every command's help.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>It failed while it ran.</summary>
    public const int Failed = 1;

    /// <summary>A flag or the configuration is wrong; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>The codes, as the help lists them.</summary>
    public const string Help = """
        Exit codes:
          0  all went well
          1  it failed while it ran: a port is taken, or Redis can't be reached
          2  a flag or the configuration is wrong; every mistake is a line on standard error
        """;
}
