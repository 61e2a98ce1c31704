using System.Net.Http;
using System.Net.Sockets;
using Larder.Gateway.Forwarding;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class OriginFailureTests
{
    private static readonly TimeSpan Connect = TimeSpan.FromSeconds(5);

    public static TheoryData<Exception, Reason, int> Causes => new()
    {
        { new HttpRequestException(HttpRequestError.NameResolutionError), Reason.ErrorUnreachable, 502 },
        { new HttpRequestException(HttpRequestError.ConnectionError, "", new SocketException((int)SocketError.ConnectionRefused)), Reason.ErrorUnreachable, 502 },
        { new HttpRequestException(HttpRequestError.SecureConnectionError), Reason.ErrorUnreachable, 502 },
        { new HttpRequestException(HttpRequestError.ResponseEnded), Reason.ErrorUnreachable, 502 },
        { new HttpRequestException("", new IOException("", new SocketException((int)SocketError.ConnectionReset))), Reason.ErrorUnreachable, 502 },
        { new HttpRequestException(HttpRequestError.InvalidResponse), Reason.ErrorProtocol, 502 },
        { new HttpRequestException(HttpRequestError.ConfigurationLimitExceeded), Reason.ErrorProtocol, 502 },
        { new OperationCanceledException("", new TimeoutException()), Reason.ErrorTimeout, 504 },
        { new IOException(), Reason.ErrorUnreachable, 502 },
    };

    [Theory]
    [MemberData(nameof(Causes))]
    public void Every_cause_has_a_reason_and_a_status(Exception cause, Reason reason, int status)
    {
        OriginFailure failure = OriginFailure.From(cause, Connect)!;

        Assert.Equal(reason, failure.Reason);
        Assert.Equal(status, failure.Status);
        Assert.EndsWith(".", failure.Cause);
    }

    [Fact]
    public void Other_exceptions_are_not_the_origins() => Assert.Null(OriginFailure.From(new InvalidOperationException(), Connect));
}
