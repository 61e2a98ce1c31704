using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class ForwarderTests
{
    [Fact]
    public async Task After_its_end_it_neither_forwards_nor_follows_anything()
    {
        var options = new ForwarderOptions { Origin = new("http://127.0.0.1:1") };
        var forwarder = new Forwarder(options, NullLogger<Forwarder>.Instance, TimeProvider.System);
        Assert.True(forwarder.Replace(options));
        forwarder.Dispose();
        forwarder.Dispose();

        var context = new DefaultHttpContext { Request = { Method = "GET", Protocol = "HTTP/1.1" } };
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/";
        await Assert.ThrowsAsync<ObjectDisposedException>(() => forwarder.ForwardAsync(context));

        ForwardingPlan last = forwarder.Plan;
        Assert.False(forwarder.Replace(options));
        Assert.Same(last, forwarder.Plan);
    }
}
