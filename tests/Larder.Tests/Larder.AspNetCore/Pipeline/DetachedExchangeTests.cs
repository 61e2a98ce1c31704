using System.Security.Claims;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Tests.Http.Pipeline;

public sealed class DetachedExchangeTests
{
    [Fact]
    public void The_copy_is_a_plain_GET_for_the_same_user_to_the_same_endpoint()
    {
        var context = new DefaultHttpContext
        {
            Request = { Method = "HEAD", Scheme = "https", PathBase = "/b", Path = "/p", QueryString = new("?q"), Protocol = "HTTP/2" },
            User = new(new ClaimsIdentity("toy")),
        };
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/raw?q";
        string[] taken = ["If-None-Match", "If-Modified-Since", "If-Range", "Range", "Cache-Control", "Pragma"];
        foreach (string name in taken.Append("Accept").Append("Host")) context.Request.Headers[name] = "x";
        context.Request.RouteValues["id"] = "7";
        var endpoint = new Endpoint(_ => Task.CompletedTask, null, null);
        context.SetEndpoint(endpoint);
        context.Items["__AuthorizationMiddlewareWithEndpointInvoked"] = this;
        context.Items["other"] = this;

        HttpContext copy = DetachedExchange.CopyOf(context);
        Assert.Equal(("GET", "https", "/b", "/p", "?q"), (copy.Request.Method, copy.Request.Scheme, copy.Request.PathBase.Value, copy.Request.Path.Value, copy.Request.QueryString.Value));
        Assert.Equal("/raw?q", copy.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        Assert.Equal(["Accept", "Host"], copy.Request.Headers.Keys.Order());
        Assert.Same(context.User, copy.User);
        Assert.Same(endpoint, copy.GetEndpoint());
        Assert.Equal("7", copy.Request.RouteValues["id"]);
        Assert.Equal(["__AuthorizationMiddlewareWithEndpointInvoked"], copy.Items.Keys);
        Assert.False(copy.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody);
        context.Request.Headers["Accept"] = "y";
        context.Request.RouteValues["id"] = "8";
        Assert.Equal(("x", "7"), (copy.Request.Headers["Accept"].ToString(), copy.Request.RouteValues["id"]));
    }

    [Fact]
    public async Task Callbacks_run_once_in_reverse_order()
    {
        HttpResponse response = DetachedExchange.CopyOf(new DefaultHttpContext()).Response;
        var order = new List<string>();
        foreach (string name in new[] { "a", "b" })
        {
            response.OnStarting(() => Add("start " + name));
            response.OnCompleted(() => Add("end " + name));
        }
        Assert.False(response.HasStarted);
        await response.WriteAsync("into nothing");
        await response.Body.WriteAsync(new byte[10]);
        Assert.True(response.HasStarted);
        await response.CompleteAsync();
        await response.CompleteAsync();
        Assert.Equal(["start b", "start a", "end b", "end a"], order);

        Task Add(string what)
        {
            order.Add(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task A_file_goes_nowhere()
    {
        HttpContext copy = DetachedExchange.CopyOf(new DefaultHttpContext());
        copy.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        await copy.Features.GetRequiredFeature<IHttpResponseBodyFeature>().SendFileAsync("/nowhere", 0, null);
        Assert.True(copy.Response.HasStarted);
        copy.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = "Fine";
        Assert.Equal(200, copy.Response.StatusCode);
        Assert.Same(Stream.Null, copy.Features.GetRequiredFeature<IHttpResponseBodyFeature>().Stream);
    }

    [Fact]
    public void An_abort_is_noted_at_once()
    {
        var context = new DefaultHttpContext();
        var reset = new Resets();
        context.Features.Set<IHttpResetFeature>(reset);
        foreach (Action<HttpContext> end in new Action<HttpContext>[] { c => c.Abort(), c => c.Features.GetRequiredFeature<IHttpResetFeature>().Reset(2) })
        {
            var aborts = new NotedAborts(context.Features, isShared: false);
            aborts.Install();
            Assert.False(aborts.Aborted);
            end(context);
            Assert.True(aborts.Aborted);
            aborts.Remove();
            Assert.NotSame(aborts, context.Features.Get<IHttpRequestLifetimeFeature>());
            Assert.Same(reset, context.Features.Get<IHttpResetFeature>());
            context.Features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature());
        }
        Assert.Equal(2, reset.Code);
        var left = new NotedAborts(context.Features, isShared: false) { RequestAborted = new(canceled: true) };
        Assert.True(left.Aborted && context.RequestAborted.IsCancellationRequested);
    }

    private sealed class Resets : IHttpResetFeature
    {
        public int Code { get; private set; }

        public void Reset(int errorCode) => Code = errorCode;
    }
}
