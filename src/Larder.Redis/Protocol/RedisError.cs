using System.Text;

namespace Larder.Redis;

/// <summary>What the server answered instead of doing what it was asked: a value, as it is nothing exceptional.</summary>
/// <param name="Code">The first word, where it is in capitals (<c>MOVED</c>, <c>OOM</c>, <c>READONLY</c>, <c>NOSCRIPT</c>, …), else <c>ERR</c>. A denial within a script is <c>NOPERM</c> as it is elsewhere.</param>
/// <param name="Text">All of it, without control characters and at most <see cref="LongestText"/> characters long. May repeat arguments, secrets too: not for logs.</param>
internal sealed record RedisError(string Code, string Text)
{
    public const int LongestText = 1024;
    private const int LongestCode = 32;
    /// <summary>How Redis 7.0 begins when a script does what its user may not: other servers say <c>NOPERM</c>.</summary>
    private const string DeniedInScript = "ERR The user executing the script ", Denied = "NOPERM";

    private static readonly string[] Known =
    [
        "ERR", "MOVED", "ASK", "OOM", "READONLY", "NOAUTH", "NOPERM", "WRONGPASS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "CROSSSLOT", "TRYAGAIN",
        "BUSY", "NOSCRIPT", "WRONGTYPE", "NOPROTO", "MISCONF", "NOREPLICAS", "EXECABORT", "UNKILLABLE", "BUSYGROUP", "UNBLOCKED", "DENIED",
    ];

    /// <summary>The code where it is one that Redis has; else <c>ERR</c>. It can be logged: a server can't hide anything in it.</summary>
    public string KnownCode => Array.IndexOf(Known, Code) >= 0 ? Code : Known[0];

    public bool Is(string code) => string.Equals(Code, code, StringComparison.Ordinal);

    /// <param name="line">What follows the sign of the type.</param>
    public static RedisError Parse(ReadOnlySpan<byte> line)
    {
        int end = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> word = end < 0 ? line : line[..end];
        string text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, LongestText)]);
        if (text.AsSpan().ContainsAnyInRange('\0', '\x1f') || text.Contains('\x7f'))
            text = string.Create(text.Length, text, static (into, from) =>
            {
                for (int i = 0; i < into.Length; i++) into[i] = char.IsControl(from[i]) ? ' ' : from[i];
            });
        if (text.StartsWith(DeniedInScript, StringComparison.Ordinal)) return new(Denied, text);
        return new(IsCode(word) ? CodeOf(word) : Known[0], text);
    }

    private static bool IsCode(ReadOnlySpan<byte> word)
    {
        if (word.Length is 0 or > LongestCode) return false;
        foreach (byte letter in word)
            if (!char.IsAsciiLetterUpper((char)letter) && !char.IsAsciiDigit((char)letter) && letter != '_') return false;
        return true;
    }

    private static string CodeOf(ReadOnlySpan<byte> word)
    {
        foreach (string known in Known)
            if (Ascii.Equals(word, known)) return known;
        return Encoding.ASCII.GetString(word);
    }

    /// <summary>The code alone: the text may repeat what was sent.</summary>
    public override string ToString() => KnownCode;
}
