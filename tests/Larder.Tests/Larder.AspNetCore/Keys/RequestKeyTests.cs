using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Keys;

/// <summary>Two requests that differ in anything the origin or a nominated header can tell have two keys.</summary>
public sealed class RequestKeyTests
{
    /// <summary>Everything that goes into a key, in a form that compares by value.</summary>
    public sealed record Input(string Scheme, string Host, string PathBase, string Path, string Query, string Raw, string Forwarded, string User, string Nominated)
    {
        public bool IsPossible => Raw.StartsWith('/') && Raw.IndexOfAny(['\n', ' ', '\u001e', '\0']) < 0;
    }

    [Fact]
    public void It_is_injective()
    {
        // Few and nasty characters, so that parts often could be taken for each other.
        Gen<string> text = Gen.Elements("", "a", "/", ":", "1", "2:", "1:a", "\u001e", "\n", "\nu", "\nf", "\np", "+", "-", "=", "?", "%3D", "a=B=", "11:").ListOf()
            .Select(parts => string.Concat(parts.Take(4)));
        Gen<string> plain = Gen.Elements("", "a", "/", ":", "1", "2:", "?", "%3D", "=", "//", "/a").ListOf().Select(parts => string.Concat(parts.Take(4)));
        Gen<string> host = Gen.Elements("", "a", "a:1", "a:12", "1", "ab");
        Gen<Input> inputs =
            from scheme in Gen.Elements("http", "https")
            from h in host
            from pathBase in Gen.Elements("", "/a", "/1:")
            from path in plain
            from query in Gen.Elements("", "?a", "?a=B=", "?a%3DB=")
            from raw in plain
            from rawQuery in Gen.Elements("", "?", "?a", "?a=B=", "?a%3DB=")
            from forwarded in text
            from user in text
            from nominated in text
            select new Input(scheme, h, pathBase, "/" + path, query, "/" + raw + rawQuery, forwarded, user, nominated);
        Gen<(Input, Input)> pairs =
            from one in inputs
            from other in inputs
            from keep in Gen.Choose(0, 511)
            select (one, Mixed(one, other, keep));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Arb.From(pairs), pair =>
            !pair.Item1.IsPossible || !pair.Item2.IsPossible || (KeyOf(pair.Item1) == KeyOf(pair.Item2)) == (pair.Item1 == pair.Item2)));
    }

    [Fact]
    public void A_separator_that_is_not_escaped_would_fail_the_same_property()
    {
        static string Weak(Input i) => $"{i.Scheme}://{i.Host}{i.Raw}\n{i.User}\n{i.Nominated}";
        var one = new Input("http", "a", "", "/", "", "/", "", "x", "y\nz");
        Assert.Equal(Weak(one), Weak(one with { User = "x\ny", Nominated = "z" }));
        Assert.NotEqual(KeyOf(one), KeyOf(one with { User = "x\ny", Nominated = "z" }));
    }

    [Fact]
    public void Lines_of_a_forwarding_header_are_kept_apart()
    {
        string[][] values = [["a", "b"], ["ab"], ["a,b"], ["a", "", "b"], ["1:a1:b"], ["b", "a"], ["a"], [""]];
        string[] keys = [.. values.Select(v => Base(c => c.Request.Headers["X-Forwarded-Host"] = v)!), Base(_ => { })!, Base(c => c.Request.Headers["X-Host"] = "a")!];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void Nominated_headers_are_kept_apart()
    {
        (string[] Names, StringValues A, StringValues B)[] cases =
        [
            (["a"], default, default), (["a"], "", default), (["a"], "x", default), (["b"], default, "x"), (["a", "b"], "x", default), (["a", "b"], default, "x"),
            (["a", "b"], "x", "x"), (["a", "b"], "", ""), (["a", "b"], "1:x+", "x"), (["a"], "-", default), (["a", "b"], "x-", default),
        ];
        string[] keys = [.. cases.Select(c =>
        {
            var headers = new HeaderDictionary();
            if (c.A.Count > 0) headers["A"] = c.A;
            if (c.B.Count > 0) headers["B"] = c.B;
            var key = new KeyBuilder(stackalloc char[8]);
            RequestKey.AppendVariant(ref key, c.Names, headers);
            string text = key.ToString();
            key.Dispose();
            return text;
        })];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void It_reads_as_the_url_and_the_target_is_its_path_and_query()
    {
        var context = Context("/jobs?page=2", "example.com");
        (context.Request.Path, context.Request.QueryString) = ("/jobs", new("?page=2"));
        Assert.Equal(Reason.None, Append(context, out string key, out Range target));
        Assert.Equal("http://example.com/jobs?page=2", key);
        Assert.Equal("/jobs?page=2", key[target]);
    }

    [Theory]
    [InlineData("*", "h"), InlineData("/a", "h/x"), InlineData("/a", "h\n"), InlineData("/a b", "h"), InlineData("/a\n", "h"), InlineData("/a\0", "h")]
    public void What_cannot_be_keyed_is_passed_on(string raw, string host) =>
        Assert.Equal(Reason.BypassUnkeyed, Append(Context(raw, host), out _, out _));

    [Fact]
    public void Two_hosts_and_endless_targets_are_passed_on()
    {
        HttpContext context = Context("/a", "h");
        context.Request.Headers.Host = new(["h", "i"]);
        Assert.Equal(Reason.BypassUnkeyed, Append(context, out _, out _));
        Assert.Equal(Reason.BypassLimit, Append(Context("/" + new string('a', RequestKey.MaxLength), "h"), out _, out _));
        context = Context("/a", "h");
        context.Request.Headers.Remove("Host");
        Assert.Equal(Reason.None, Append(context, out _, out _));
    }

    private static Input Mixed(Input a, Input b, int keep) => new(
        (keep & 1) > 0 ? a.Scheme : b.Scheme, (keep & 2) > 0 ? a.Host : b.Host, (keep & 4) > 0 ? a.PathBase : b.PathBase, (keep & 8) > 0 ? a.Path : b.Path,
        (keep & 16) > 0 ? a.Query : b.Query, (keep & 32) > 0 ? a.Raw : b.Raw, (keep & 64) > 0 ? a.Forwarded : b.Forwarded,
        (keep & 128) > 0 ? a.User : b.User, (keep & 256) > 0 ? a.Nominated : b.Nominated);

    private static string KeyOf(Input input)
    {
        HttpContext context = Context(input.Raw, input.Host);
        context.Request.Scheme = input.Scheme;
        context.Request.PathBase = new(input.PathBase);
        // The conversion from string would decode it: two inputs would become one before they are keyed.
        context.Request.Path = new(input.Path);
        context.Request.QueryString = new(input.Query);
        if (input.Forwarded != "") context.Request.Headers["Forwarded"] = input.Forwarded;
        // Neither lists nor white space: those are normalised on purpose.
        context.Request.Headers["User-Agent"] = input.Nominated;
        var key = new KeyBuilder(stackalloc char[16]);
        Assert.Equal(Reason.None, RequestKey.AppendBase(context, ref key, withForwardingHeaders: true, QueryPolicy.AsSent, out _));
        if (input.User != "") RequestKey.AppendUser(ref key, new RequestUser("i", input.User));
        RequestKey.AppendVariant(ref key, ["user-agent"], context.Request.Headers);
        string text = key.ToString();
        key.Dispose();
        return text;
    }

    private static string? Base(Action<HttpContext> change)
    {
        HttpContext context = Context("/a", "h");
        change(context);
        return Append(context, out string key, out _) == Reason.None ? key : null;
    }

    private static Reason Append(HttpContext context, out string text, out Range target)
    {
        var key = new KeyBuilder(stackalloc char[16]);
        Reason reason = RequestKey.AppendBase(context, ref key, withForwardingHeaders: true, QueryPolicy.AsSent, out target);
        text = key.ToString();
        key.Dispose();
        return reason;
    }

    private static DefaultHttpContext Context(string raw, string host)
    {
        var context = new DefaultHttpContext { Request = { Scheme = "http" } };
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = raw;
        context.Request.Headers.Host = host;
        return context;
    }
}
