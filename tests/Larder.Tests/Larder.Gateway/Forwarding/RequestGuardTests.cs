using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class RequestGuardTests
{
    [Fact]
    public void The_request_loses_what_the_origin_will_not_get()
    {
        HttpContext context = Request("GET", ("Connection", "close, X-Mine"), ("X-Mine", "1"), ("X-Forwarded-Host", "evil"), ("X-Other", "2"));

        Assert.Null(RequestGuard.Apply(context));
        Assert.Null(RequestGuard.Apply(context));
        Assert.Equal(["Connection", "X-Other"], context.Request.Headers.Keys.Order());
    }

    [Theory]
    [InlineData("Connection", "close, Content-Length", 400)]
    [InlineData("Connection", "authorization", 400)]
    [InlineData("X-A", "a\u0001", 400)]
    public void Hostile_headers_are_refused(string name, string value, int status) =>
        Assert.Equal(status, RequestGuard.Apply(Request("GET", (name, value)))!.Status);

    [Theory]
    [InlineData("get", 400)]
    [InlineData("Post", 400)]
    [InlineData("CONNECT", 501)]
    public void Methods_that_would_not_arrive_as_sent_are_refused(string method, int status) =>
        Assert.Equal(status, RequestGuard.Apply(Request(method))!.Status);

    [Theory]
    [InlineData("GET")]
    [InlineData("PURGE")]
    [InlineData("purge")]
    public void Other_methods_pass(string method) => Assert.Null(RequestGuard.Apply(Request(method)));

    [Theory]
    [InlineData("OPTIONS", "0", 0)]
    [InlineData("TRACE", "12", 12)]
    [InlineData("TRACE", "99999999999999999999", int.MaxValue)]
    [InlineData("GET", "0", null)]
    public void Max_Forwards_counts_for_two_methods(string method, string value, int? hops)
    {
        HttpContext context = Request(method, ("Max-Forwards", value));

        Assert.Null(RequestGuard.Apply(context));
        Assert.Equal(hops, RequestGuard.MaxForwards(context.Request));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1, 2")]
    [InlineData("")]
    public void A_malformed_Max_Forwards_is_refused(string value) =>
        Assert.Equal(400, RequestGuard.Apply(Request("OPTIONS", ("Max-Forwards", value)))!.Status);

    private static HttpContext Request(string method, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/";
        foreach ((string name, string value) in headers) context.Request.Headers[name] = value;
        return context;
    }
}
