using System.Net;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Gateway.Forwarding;

/// <summary>Fields that a configuration changes, and the one that tells of the client.</summary>
public sealed class FieldTests
{
    [Theory]
    [InlineData("Connection"), InlineData("transfer-encoding"), InlineData("Content-Length"), InlineData("Host"), InlineData("X-Forwarded-For"), InlineData("x_forwarded_host")]
    [InlineData("Forwarded"), InlineData("Via"), InlineData("Cache-Status"), InlineData("Age"), InlineData("TE"), InlineData("Upgrade"), InlineData("If-None-Match"), InlineData("Range")]
    [InlineData("X-Cache"), InlineData("Proxy-Authorization"), InlineData("Trailer"), InlineData("Content-Encoding")]
    public void Some_fields_can_not_be_changed(string name) => Assert.NotNull(FieldRules.Problem(name));

    [Theory]
    [InlineData("Authorization"), InlineData("X-Team"), InlineData("Cache-Control"), InlineData("Vary"), InlineData("Content-Type"), InlineData("Strict-Transport-Security"), InlineData("Server")]
    public void Others_can(string name) => Assert.Null(FieldRules.Problem(name));

    [Theory]
    [InlineData("a\r\nb", false), InlineData("a\nb", false), InlineData("a\0", false), InlineData("", false), InlineData(" a", false), InlineData("\u20ac", false), InlineData("\u0085", false)]
    [InlineData("a b", true), InlineData("a\tb", true), InlineData("caf\u00e9", true)]
    public void Values_are_one_line_of_Latin_1(string value, bool expected) => Assert.Equal(expected, FieldRules.IsValue(value));

    [Fact]
    public void Values_have_a_limit() => Assert.Equal((true, false), (FieldRules.IsValue(new('a', FieldRules.MaxValue)), FieldRules.IsValue(new('a', FieldRules.MaxValue + 1))));

    [Fact]
    public void Requests_are_changed_wherever_a_field_is_kept()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://a") { Content = new ByteArrayContent([]) };
        request.Headers.TryAddWithoutValidation("X-Old", "1");
        request.Content.Headers.TryAddWithoutValidation("Content-Language", "de");
        var changes = new FieldChanges { Set = new Dictionary<string, string> { ["X-New"] = "2", ["Content-Type"] = "a/b" }, Remove = ["x-old", "content-language", "X-Absent"] };

        FieldEditor.Apply(changes, request);

        Assert.Equal("X-New: 2", request.Headers.ToString().Trim());
        Assert.Equal("Content-Type: a/b", request.Content.Headers.ToString().Split('\n').Single(line => line.StartsWith("Content-T", StringComparison.Ordinal)).Trim());
        Assert.DoesNotContain("Language", request.Content.Headers.ToString());
    }

    [Theory]
    [InlineData("192.0.2.1", "a.example:81", "for=192.0.2.1;host=\"a.example:81\";proto=https")]
    [InlineData("::ffff:192.0.2.1", "a", "for=192.0.2.1;host=\"a\";proto=https")]
    [InlineData("2001:db8::1", "[::1]:80", "for=\"[2001:db8::1]\";host=\"[::1]:80\";proto=https")]
    [InlineData(null, "", "proto=https")]
    [InlineData(null, "a\"\\b", "host=\"a\\\"\\\\b\";proto=https")]
    public void Forwarded_is_one_element(string? peer, string host, string expected)
    {
        var context = new DefaultHttpContext { Request = { Scheme = "https" } };
        context.Request.Headers.Host = host;
        context.Connection.RemoteIpAddress = peer is null ? null : IPAddress.Parse(peer);

        Assert.Equal(expected, ForwardedField.Of(context));
    }

    [Fact]
    public void A_gateway_knows_its_own_name_and_no_other()
    {
        GatewayName own = new(), other = new();
        var context = new DefaultHttpContext();
        context.Request.Headers.Via = new(["1.0 fred", $"1.1 x, {other.ViaOf("HTTP/2")}, 1.1 larder"]);

        Assert.Null(own.LoopRefusal(context.Request));
        Assert.Equal(508, other.LoopRefusal(context.Request)!.Status);
    }
}
