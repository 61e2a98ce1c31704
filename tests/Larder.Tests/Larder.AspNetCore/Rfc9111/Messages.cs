using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

/// <summary>Makes messages and hostile field values for the tests of this folder.</summary>
internal static class Messages
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly string[] Fragments =
    [
        "max-age", "s-maxage", "private", "no-cache", "no-store", "public", "max-stale", "stale-if-error", "=", "=", ",",
        ",", "\"", "\"", "\\", " ", "\t", ";", "0", "1", "60", "99999999999999999999", "-", "'", "W/", "*", "bytes=", ":",
        "Thu, 18 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 GMT", "Thu Aug  8 02:01:18 2050", "Aug", "GMT",
        "foo", "\u0000", "\u00fc", "\ud83d",
    ];

    /// <summary>Text made of the pieces that parsers trip over.</summary>
    public static Arbitrary<string> Hostile { get; } =
        Gen.Elements(Fragments).ArrayOf().Select(string.Concat).ToArbitrary();

    public static string Date(int seconds) => HttpDate.Format(Now.AddSeconds(seconds));

    public static ResponseFacts Response(int status, params (string Name, string Value)[] fields) =>
        ResponseFacts.From(status, new Lookup(fields), Now);

    public static ResponseFacts Ok(params (string Name, string Value)[] fields) => Response(200, fields);

    public static RequestFacts Request(params (string Name, string Value)[] fields) =>
        RequestFacts.From(isHead: false, new Lookup(fields));

    public readonly struct Lookup((string Name, string Value)[] fields) : IHeaderLookup
    {
        public StringValues this[string name] => new(
            [.. fields.Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(f => f.Value)]);
    }
}
