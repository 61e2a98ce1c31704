using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// <c>HTTP-date</c> (RFC 9110 §5.6.7) in its three forms: IMF-fixdate, RFC 850 and asctime.
/// </summary>
/// <remarks>
/// Names match without regard to case and the zone is GMT and no other, as RFC 9111 §4.2 asks. Beyond that the forms are
/// exact: an <c>Expires</c> in any other form is in the past (RFC 9111 §5.3). The name of the weekday must be one, but
/// need not be the right one.
/// </remarks>
internal static class HttpDate
{
    private const string Months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    private const string Days = "SunMonTueWedThuFriSat";
    private static readonly string[] LongDays =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    /// <summary>Writes the IMF-fixdate form, in GMT and whole seconds.</summary>
    public static string Format(DateTimeOffset value) => value.ToString("r", CultureInfo.InvariantCulture);

    /// <summary>Reads a field of exactly one line; <paramref name="now"/> settles two-digit years.</summary>
    public static bool TryParse(StringValues values, DateTimeOffset now, out DateTimeOffset date)
    {
        date = default;
        return values.Count == 1 && TryParse(values[0].AsSpan(), now, out date);
    }

    /// <summary>Reads one date; <paramref name="now"/> settles two-digit years.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, DateTimeOffset now, out DateTimeOffset date)
    {
        text = FieldSyntax.TrimOws(text);
        date = default;
        int comma = text.IndexOf(',');
        if (comma == 3) return IsDay(text[..3]) && TryImfFixdate(text[4..], out date);
        if (comma > 3) return IsLongDay(text[..comma]) && TryRfc850(text[(comma + 1)..], now, out date);
        return TryAsctime(text, out date);
    }

    /// <summary><c> 06 Nov 1994 08:49:37 GMT</c></summary>
    private static bool TryImfFixdate(ReadOnlySpan<char> s, out DateTimeOffset date)
    {
        date = default;
        return s.Length == 25 && s[0] == ' ' && s[3] == ' ' && s[7] == ' ' && s[12] == ' ' && IsGmt(s[21..])
            && Number(s.Slice(1, 2), out int day) && Month(s.Slice(4, 3), out int month)
            && Number(s.Slice(8, 4), out int year) && Time(s.Slice(13, 8), out TimeSpan time)
            && Combine(year, month, day, time, out date);
    }

    /// <summary><c> 06-Nov-94 08:49:37 GMT</c></summary>
    private static bool TryRfc850(ReadOnlySpan<char> s, DateTimeOffset now, out DateTimeOffset date)
    {
        date = default;
        return s.Length == 23 && s[0] == ' ' && s[3] == '-' && s[7] == '-' && s[10] == ' ' && IsGmt(s[19..])
            && Number(s.Slice(1, 2), out int day) && Month(s.Slice(4, 3), out int month)
            && Number(s.Slice(8, 2), out int year) && Time(s.Slice(11, 8), out TimeSpan time)
            && Combine(FullYear(year, month, day, now), month, day, time, out date);
    }

    /// <summary><c>Sun Nov  6 08:49:37 1994</c></summary>
    private static bool TryAsctime(ReadOnlySpan<char> s, out DateTimeOffset date)
    {
        date = default;
        if (s.Length != 24 || s[3] != ' ' || s[7] != ' ' || s[10] != ' ' || s[19] != ' ') return false;
        ReadOnlySpan<char> dayText = s[8] == ' ' ? s.Slice(9, 1) : s.Slice(8, 2);
        return IsDay(s[..3]) && Month(s.Slice(4, 3), out int month) && Number(dayText, out int day)
            && Time(s.Slice(11, 8), out TimeSpan time) && Number(s[20..], out int year)
            && Combine(year, month, day, time, out date);
    }

    /// <summary>
    /// The year within 50 years of now that ends in the two digits; more than 50 years ahead means the past
    /// (RFC 9110 §5.6.7).
    /// </summary>
    private static int FullYear(int twoDigits, int month, int day, DateTimeOffset now)
    {
        now = now.ToUniversalTime();
        int year = now.Year - now.Year % 100 + twoDigits;
        int ahead = (year - now.Year) * 512 + (month - now.Month) * 32 + (day - now.Day);
        if (ahead > 50 * 512) return year - 100;
        return ahead <= -50 * 512 ? year + 100 : year;
    }

    private static bool IsDay(ReadOnlySpan<char> name)
    {
        for (int i = 0; i < Days.Length; i += 3)
        {
            if (name.Equals(Days.AsSpan(i, 3), StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    private static bool IsLongDay(ReadOnlySpan<char> name)
    {
        foreach (string day in LongDays)
        {
            if (FieldSyntax.Is(name, day)) return true;
        }
        return false;
    }

    private static bool Month(ReadOnlySpan<char> name, out int month)
    {
        for (month = 1; month <= 12; month++)
        {
            if (name.Equals(Months.AsSpan(3 * (month - 1), 3), StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    private static bool IsGmt(ReadOnlySpan<char> zone) => FieldSyntax.Is(zone, " GMT");

    private static bool Number(ReadOnlySpan<char> digits, out int number)
    {
        bool valid = DeltaSeconds.TryParse(digits, out long value);
        number = (int)value;
        return valid;
    }

    /// <summary><c>08:49:37</c>; a leap second counts as the second before it (never later than was said).</summary>
    private static bool Time(ReadOnlySpan<char> s, out TimeSpan time)
    {
        time = default;
        if (s[2] != ':' || s[5] != ':' || !Number(s[..2], out int hour) || !Number(s.Slice(3, 2), out int minute)
            || !Number(s.Slice(6, 2), out int second) || hour > 23 || minute > 59 || second > 60) return false;
        time = new TimeSpan(hour, minute, Math.Min(second, 59));
        return true;
    }

    private static bool Combine(int year, int month, int day, TimeSpan time, out DateTimeOffset date)
    {
        date = default;
        if (year is < 1 or > 9999 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        date = new DateTimeOffset(new DateTime(year, month, day) + time, TimeSpan.Zero);
        return true;
    }
}
