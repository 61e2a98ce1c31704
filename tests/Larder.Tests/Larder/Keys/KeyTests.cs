using FsCheck;
using FsCheck.Fluent;

namespace Larder.Tests.Keys;

public sealed class KeyTests
{
    [Fact]
    public void Two_lists_of_parts_never_make_one_key()
    {
        Gen<string> part = Gen.Elements(":", "1", "2", "a", "1:", "0:", "é", "\0").ListOf().Select(string.Concat);
        Gen<string[]> parts = part.ListOf().Select(p => p.ToArray());
        Prop.ForAll(Arb.From(parts.SelectMany(_ => parts, (a, b) => (a, b))), ((string[] a, string[] b) c) =>
            Build(c.a) == Build(c.b) == c.a.SequenceEqual(c.b)).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
        // And what is built is read back: the stronger form of the same.
        Prop.ForAll(Arb.From(parts), p => Read(Build(p)).SequenceEqual(p)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void A_builder_grows_beyond_its_span_and_truncates()
    {
        Span<char> little = stackalloc char[3];
        var builder = new KeyBuilder(little);
        for (int i = 0; i < 500; i++) builder.Append((char)('a' + i % 26));
        builder.Append(new string('z', 2000));
        Assert.Equal(2500, builder.Length);
        Assert.Equal("abc", builder.Written[..3].ToString());
        builder.Truncate(4);
        builder.AppendPart("xy");
        Assert.Equal("abcd2:xy", builder.ToString());
        builder.Dispose();
        Assert.Equal(0, builder.Length);
    }

    [Fact]
    public void Strings_and_spans_agree()
    {
        KeyComparer comparer = KeyComparer.Instance;
        Prop.ForAll(Arb.From(Gen.Choose('\0', '\uffff').Select(c => (char)c).ListOf().Select(c => new string([.. c]))), key =>
        {
            ReadOnlySpan<char> copy = (key + "!").AsSpan(0, key.Length);
            return comparer.GetHashCode(key) == comparer.GetHashCode(copy) && comparer.Equals(copy, key)
                && comparer.Equals(key, new string(copy)) && comparer.Create(copy) == key && !comparer.Equals((key + "!").AsSpan(), key);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Each_character_counts_wherever_it_stands()
    {
        for (int length = 1; length <= 150; length++)
        {
            var hashes = new HashSet<int> { KeyComparer.Hash(new string('a', length)) };
            for (int at = 0; at < length; at++) Assert.True(hashes.Add(KeyComparer.Hash(new string('a', at) + 'b' + new string('a', length - at - 1))), $"{at} of {length}");
            Assert.True(hashes.Add(KeyComparer.Hash(new string('a', length + 1))));
        }
    }

    [Fact]
    public void Hashes_spread_over_low_bits_and_rarely_collide()
    {
        foreach (string form in new[] { "{0}", "user:{0}", "GET /api/items/{0}?page=1", "{0}:a key of more than sixteen characters" })
        {
            var hashes = new HashSet<int>();
            int[] buckets = new int[256];
            for (int i = 0; i < 65_536; i++)
            {
                int hash = KeyComparer.Hash(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, i));
                hashes.Add(hash);
                buckets[hash & 255]++;
            }
            // Half a pair is expected to collide in 2^32; a bucket holds 256 give or take 16.
            Assert.InRange(hashes.Count, 65_536 - 16, 65_536);
            Assert.InRange(buckets.Min(), 150, 256);
            Assert.InRange(buckets.Max(), 256, 370);
        }
        for (int length = 0; length < 64; length++) Assert.NotEqual(KeyComparer.Hash(new string('\0', length)), KeyComparer.Hash(new string('\0', length + 1)));
    }

    private static string Build(string[] parts)
    {
        Span<char> little = stackalloc char[8];
        using var builder = new KeyBuilder(little);
        foreach (string part in parts) builder.AppendPart(part);
        return builder.ToString();
    }

    private static List<string> Read(string key)
    {
        var parts = new List<string>();
        for (int at = 0; at < key.Length;)
        {
            int colon = key.IndexOf(':', at);
            int length = int.Parse(key.AsSpan(at, colon - at), System.Globalization.CultureInfo.InvariantCulture);
            parts.Add(key.Substring(colon + 1, length));
            at = colon + 1 + length;
        }
        return parts;
    }
}
