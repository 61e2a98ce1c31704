using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

/// <summary>Writes replies as a server does, and makes them up.</summary>
internal static class RespText
{
    public static byte[] Encode(RespValue value)
    {
        var into = new MemoryStream();
        Write(into, value);
        return into.ToArray();
    }

    private static void Write(MemoryStream into, RespValue value)
    {
        switch (value.Kind)
        {
            case RespKind.Null: Line("_"); break;
            case RespKind.Text: Line("+" + value.Text); break;
            case RespKind.Integer: Line(":" + value.Text); break;
            case RespKind.Boolean: Line(value.Boolean ? "#t" : "#f"); break;
            case RespKind.Error: Line("-" + value.Error!.Text); break;
            case RespKind.Bytes:
                Line("$" + value.Bytes!.Length.ToString(CultureInfo.InvariantCulture));
                into.Write(value.Bytes);
                Line("");
                break;
            default:
                int count = value.Kind == RespKind.Map ? value.Items.Length / 2 : value.Items.Length;
                Line((value.Kind == RespKind.Map ? "%" : value.Kind == RespKind.Push ? ">" : "*") + count.ToString(CultureInfo.InvariantCulture));
                foreach (RespValue item in value.Items.Span) Write(into, item);
                break;
        }

        void Line(string text) => into.Write(Encoding.UTF8.GetBytes(text + "\r\n"));
    }

    public static Gen<RespValue> Value(int depth = 3)
    {
        Gen<string> line = Gen.Elements("abc XYZ0189:é,*$".ToCharArray()).ListOf().Select(chars => new string([.. chars]));
        Gen<RespValue> leaf = Gen.OneOf(
            Gen.Constant(RespValue.Null),
            line.Select(RespValue.OfText),
            ArbMap.Default.GeneratorFor<long>().Select(RespValue.OfInteger),
            ArbMap.Default.GeneratorFor<bool>().Select(RespValue.OfBoolean),
            line.Select(text => RespValue.OfError(RedisError.Parse(Encoding.UTF8.GetBytes("OOM " + text)))),
            Gen.OneOf(ArbMap.Default.GeneratorFor<byte[]>(), Gen.Choose(0, 5000).Select(length => new byte[length])).Select(RespValue.OfBytes));
        if (depth == 0) return leaf;
        Gen<RespValue[]> items = Value(depth - 1).ListOf().Select(list => list.Take(7).ToArray());
        return Gen.Frequency((3, leaf), (1, items.Select(list => RespValue.OfItems(RespKind.Array, list))),
            (1, items.Select(list => RespValue.OfItems(RespKind.Map, list[..(list.Length / 2 * 2)]))));
    }

    public static bool Same(RespValue a, RespValue b) =>
        a.Kind == b.Kind
        && (a.Bytes is null ? b.Bytes is null : b.Bytes is not null && a.Bytes.AsSpan().SequenceEqual(b.Bytes))
        && a.Text == b.Text && a.Boolean == b.Boolean && a.Error == b.Error
        && a.Items.Length == b.Items.Length && Enumerable.Range(0, a.Items.Length).All(i => Same(a.Items.Span[i], b.Items.Span[i]));

    /// <summary>Reads everything, in pieces of the lengths given (the last one as often as needed).</summary>
    public static List<RespValue> Read(ReadOnlySpan<byte> input, RespLimits? limits = null, params int[] pieces)
    {
        var reader = new RespReader(limits ?? new());
        var values = new List<RespValue>();
        for (int i = 0; input.Length > 0; i++)
        {
            int length = pieces.Length == 0 ? input.Length : Math.Clamp(pieces[Math.Min(i, pieces.Length - 1)], 1, input.Length);
            ReadOnlySpan<byte> piece = input[..length];
            while (reader.TryRead(ref piece, out RespValue value)) values.Add(value);
            input = input[length..];
        }
        return values;
    }
}
