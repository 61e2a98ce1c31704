using System.Globalization;
using System.Security.Cryptography;

namespace Larder.Redis;

/// <summary>Epochs, nodes, streaks and the like as Redis holds them: 16 hex digits of a number, random where it is new, and 0 for none.</summary>
internal static class HexName
{
    /// <summary>Random, never 0.</summary>
    public static string New() => Of(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1);

    public static string Of(ulong number) => number.ToString("x16", CultureInfo.InvariantCulture);

    public static bool TryRead(RespValue value, out ulong number) => ulong.TryParse(value.Text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
