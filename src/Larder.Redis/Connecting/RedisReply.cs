namespace Larder.Redis;

/// <summary>What became of a command.</summary>
internal enum RedisOutcome : byte
{
    /// <summary>The server answered; the answer may be an error.</summary>
    Answered,
    /// <summary>There is no connection. Nothing was sent.</summary>
    NotConnected,
    /// <summary>Too many calls failed lately; nothing was sent.</summary>
    BreakerOpen,
    /// <summary>As many commands or bytes wait as may. Nothing was sent.</summary>
    Full,
    /// <summary>The command alone is larger than all that may wait. Nothing was sent.</summary>
    TooLarge,
    /// <summary>The connection was lost before the command went out. Nothing was sent.</summary>
    LostUnsent,
    /// <summary>The connection was lost while the command was under way. Nobody knows whether it was executed.</summary>
    Lost,
    /// <summary>No answer came in time. Nobody knows whether it was, or will be, executed.</summary>
    TimedOut,
}

/// <summary>The answer to a command, or why there is none.</summary>
/// <param name="Outcome">What became of the command.</param>
/// <param name="Value">The answer where there is one, else null.</param>
internal readonly record struct RedisReply(RedisOutcome Outcome, RespValue Value = default)
{
    /// <summary>Whether the server answered, and not with an error.</summary>
    public bool IsOk => Outcome == RedisOutcome.Answered && Value.Kind != RespKind.Error;

    /// <summary>The error that the server answered with; null for anything else.</summary>
    public RedisError? Error => Value.Error;

    /// <summary>Whether the command may have had an effect although there is no answer.</summary>
    public bool IsUncertain => Outcome >= RedisOutcome.Lost;

    /// <summary>The outcome and the shape of the answer; never its content.</summary>
    public override string ToString() => Outcome == RedisOutcome.Answered ? Value.ToString() : Outcome.ToString();
}
