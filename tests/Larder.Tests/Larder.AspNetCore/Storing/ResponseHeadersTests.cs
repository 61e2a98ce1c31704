using Larder.AspNetCore;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Storing;

public sealed class ResponseHeadersTests
{
    [Fact]
    public void Only_end_to_end_fields_that_are_not_written_anew_are_stored()
    {
        string[] dropped = ["Age", "X-Cache", "X-Cache-Age", "Content-Length", "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Proxy-Authenticate", "X-Hop"];
        string[] kept = ["Content-Type", "Cache-Status", "Date", "Via", "X-Cached", "Set"];
        var headers = new HeaderDictionary();
        foreach (string name in dropped.Concat(kept)) headers[name] = name == "Connection" ? "close, x-hop" : "1";
        Assert.Equal(kept.Order(), Stored(headers, false).Keys.Order());
    }

    [Theory]
    [InlineData("private=\"X-A, x-b\", max-age=1", false, "")]
    [InlineData("private=\"X-A, x-b\", max-age=1", true, "X-A X-B")]
    [InlineData("no-cache=\"X-A\", max-age=1", true, "X-B")]
    [InlineData("max-age=1", false, "X-A X-B")]
    public void Fields_that_a_directive_names_are_withheld(string cacheControl, bool isPrivate, string kept)
    {
        var headers = new HeaderDictionary { ["Cache-Control"] = cacheControl, ["X-A"] = "a", ["X-B"] = "b" };
        Assert.Equal(kept.Split(' ', StringSplitOptions.RemoveEmptyEntries), Stored(headers, isPrivate).Keys.Where(k => k[0] == 'X').Order());
    }

    [Fact]
    public void A_304_updates_what_it_may()
    {
        KeyValuePair<string, StringValues>[] stored =
            [new("ETag", "\"a\""), new("Content-Encoding", "gzip"), new("X-A", "old"), new("X-B", "old"), new("Cache-Control", "max-age=1")];
        var received = new HeaderDictionary
        {
            ["ETag"] = "\"b\"", ["Content-Encoding"] = "br", ["x-a"] = new(["new", "er"]), ["Set-Cookie"] = "s", ["Cache-Control"] = "max-age=2", ["Connection"] = "X-Hop", ["X-Hop"] = "1",
        };
        var updated = ResponseHeaders.Updated(stored, received, NothingBefore, default, false).ToDictionary(f => f.Key, f => f.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Assert.Equal(
            new Dictionary<string, string> { ["ETag"] = "\"a\"", ["Content-Encoding"] = "gzip", ["x-a"] = "new,er", ["X-B"] = "old", ["Cache-Control"] = "max-age=2" },
            updated);
    }

    [Fact]
    public void What_stood_there_before_is_not_stored_unless_it_was_changed()
    {
        var context = new DefaultHttpContext();
        context.Response.Headers["X-Request-Id"] = "1";
        context.Response.Headers["X-Mode"] = "a";
        var before = new ResponseSnapshot(context.Response);
        context.Response.Headers["X-Mode"] = "b";
        context.Response.Headers["X-Own"] = "c";
        Assert.Equal(["X-Mode", "X-Own"], ResponseHeaders.ToStore(context.Response.Headers, before, default, false).Select(f => f.Key).Order());
    }

    private static ResponseSnapshot NothingBefore => new(new DefaultHttpContext().Response);

    private static Dictionary<string, StringValues> Stored(IHeaderDictionary headers, bool isPrivate) =>
        new(ResponseHeaders.ToStore(headers, NothingBefore, CacheControl.Parse(headers.CacheControl), isPrivate), StringComparer.OrdinalIgnoreCase);
}
