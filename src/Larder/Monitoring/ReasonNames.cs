using System.Text;

namespace Larder;

/// <summary>The written forms of <see cref="Reason"/> and what each comes to.</summary>
public static class ReasonNames
{
    private static readonly string[] Names = [.. Enum.GetValues<Reason>().Select(r => Kebab(r.ToString()))];
    private static readonly string[] OutcomeNames = [.. Enum.GetValues<Outcome>().Select(o => Kebab(o.ToString()))];

    /// <summary>The word used in headers, logs, metrics and JSON: <c>miss-expired</c>.</summary>
    public static string Name(this Reason reason) => Names[(int)reason];

    /// <summary>What the reason of a finished call counts as.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The reason says why something was not stored, or is <see cref="Reason.None"/>: no call ends with it.</exception>
    public static Outcome Outcome(this Reason reason) => reason switch
    {
        Reason.HitMemory or Reason.HitRedis => Larder.Outcome.Hit,
        Reason.Stale or Reason.StaleError => Larder.Outcome.Stale,
        Reason.Revalidated => Larder.Outcome.Revalidated,
        Reason.Coalesced => Larder.Outcome.Coalesced,
        >= Reason.MissCold and <= Reason.MissIncompatible => Larder.Outcome.Miss,
        >= Reason.BypassMethod and <= Reason.BypassLimit => Larder.Outcome.Bypass,
        >= Reason.ErrorUnreachable => Larder.Outcome.Error,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not the reason of a finished call"),
    };

    /// <summary>The word used in metrics and JSON: <c>hit</c>.</summary>
    public static string Name(this Outcome outcome) => OutcomeNames[(int)outcome];

    internal static bool EndsCall(this Reason reason) => reason is > Reason.None and < Reason.UnstoredNoStore or >= Reason.ErrorUnreachable;

    private static string Kebab(string pascal)
    {
        var text = new StringBuilder(pascal.Length + 4);
        foreach (char c in pascal)
        {
            if (char.IsUpper(c) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }
}
