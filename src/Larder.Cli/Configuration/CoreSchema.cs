using System.Globalization;
using System.Text.RegularExpressions;
using Larder.Gateway.Configuration;

namespace Larder.Cli.Configuration;

/// <summary>What plain scalars mean in YAML 1.2's core schema: <c>yes</c> is a text, <c>0x10</c> a number.</summary>
internal static partial class CoreSchema
{
    /// <summary>The value of a plain scalar.</summary>
    public static ConfigNode Plain(string text, int line) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => new ConfigNull(line),
        "true" or "True" or "TRUE" => new ConfigBoolean(true, line),
        "false" or "False" or "FALSE" => new ConfigBoolean(false, line),
        _ => Number(text) is { } number ? new ConfigNumber(number, text, line) : new ConfigText(text, line),
    };

    private static double? Number(string text)
    {
        if (text.Length > 400) return null;
        if (Decimal().IsMatch(text)) return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (Hexadecimal().IsMatch(text)) return text[2..].Aggregate(0.0, (value, digit) => value * 16 + Convert.ToInt32(digit.ToString(), 16));
        if (Octal().IsMatch(text)) return text[2..].Aggregate(0.0, (value, digit) => value * 8 + (digit - '0'));
        return text switch
        {
            ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" => double.PositiveInfinity,
            "-.inf" or "-.Inf" or "-.INF" => double.NegativeInfinity,
            ".nan" or ".NaN" or ".NAN" => double.NaN,
            _ => null,
        };
    }

    [GeneratedRegex(@"\A[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();

    [GeneratedRegex(@"\A0x[0-9a-fA-F]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"\A0o[0-7]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Octal();
}
