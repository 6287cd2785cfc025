using System.Text;

namespace Antiphon.Client.Tests.Connections;

public sealed class UriTests
{
    [Theory]
    [InlineData("mqtt://broker.example", "broker.example:1883", false)]
    [InlineData("mqtt://broker.example:1884/", "broker.example:1884", false)]
    [InlineData("mqtts://broker.example", "broker.example:8883", true)]
    [InlineData("MQTTS://broker.example:443", "broker.example:443", true)]
    [InlineData("mqtt://[::1]", "[::1]:1883", false)]
    [InlineData("ws://broker.example", "ws://broker.example/mqtt", false)]
    [InlineData("ws://broker.example:8083/other?token=secret", "ws://broker.example:8083/other", false)]
    [InlineData("wss://broker.example/ws", "wss://broker.example/ws", true)]
    public void A_URI_names_a_server(string uri, string server, bool encrypted)
    {
        var options = MqttClientOptions.FromUri(new Uri(uri));

        Assert.Equal((server, encrypted), (options.Server, options.Tls is not null));
        Assert.Null(options.UserName);
        Assert.Null(options.Password);
    }

    [Fact]
    public void A_URI_may_hold_a_user_name_and_a_password()
    {
        var options = MqttClientOptions.FromUri(new Uri("mqtt://a%40b:p%3Aw:d@localhost"));
        Assert.Equal(("a@b", "p:w:d"), (options.UserName, Encoding.UTF8.GetString(options.Password!.Value.Span)));
        Assert.Equal(
            ("ann", null),
            (
                MqttClientOptions.FromUri(new Uri("mqtt://ann@localhost")).UserName,
                MqttClientOptions.FromUri(new Uri("mqtt://ann@localhost")).Password));
    }

    [Theory]
    [InlineData("http://u:secret@broker.example")]
    [InlineData("mqtt:broker")]
    [InlineData("broker.example")]
    [InlineData("mqtt://u:secret@broker.example/path")]
    [InlineData("mqtt://broker.example?a=b")]
    [InlineData("ws://broker.example/mqtt#a")]
    public void A_URI_that_names_none_is_refused_and_not_repeated(string uri)
    {
        var exception = Assert.Throws<ArgumentException>(() => MqttClientOptions.FromUri(new Uri(uri, UriKind.RelativeOrAbsolute)));

        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false, 1883)]
    [InlineData(true, false, 8883)]
    [InlineData(false, true, 80)]
    [InlineData(true, true, 443)]
    public void Without_a_port_the_usual_one_is_taken(bool tls, bool webSocket, int port)
    {
        var options = new MqttClientOptions { Tls = tls ? new TlsOptions() : null, WebSocket = webSocket ? new WebSocketOptions() : null };

        Assert.Equal(port, options.ServerPort);
        Assert.Equal(1884, (options with { Port = 1884 }).ServerPort);
    }
}
