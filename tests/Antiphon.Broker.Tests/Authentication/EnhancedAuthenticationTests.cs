using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Authentication;

public sealed class EnhancedAuthenticationTests
{
    private readonly HandTurnedBroker _broker = new(new BrokerOptions { AuthenticationMethods = [new Echo()] });

    [Fact]
    [Trait("Label", "MQTT-4.12.0-2")]
    [Trait("Label", "MQTT-4.12.0-5")]
    [Trait("Label", "MQTT-3.2.0-1")]
    [Trait("Label", "MQTT-3.15.2-2")]
    [Trait("Label", "MQTT-3.15.2-3")]
    public void An_exchange_goes_to_and_fro_by_AUTH_until_CONNACK()
    {
        var client = Open("go on");

        for (var i = 0; i < 3; i++)
        {
            ExpectContinue(client, "go on");
            client.Send(Auth("go on"));
        }

        ExpectContinue(client, "go on");
        client.Send(Auth("ann"));

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(
            (ReasonCode.Success, "ECHO", "ann"), (answer.ReasonCode, answer.AuthenticationMethod, Text(answer.AuthenticationData)));
        client.Publish("t");
        Assert.Equal(1, _broker.Counters.MessagesReceived);
    }

    [Fact]
    public void An_exchange_may_be_over_with_the_first_data()
    {
        var client = Open("ann");

        Assert.Equal(ReasonCode.Success, client.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-6")]
    public void Without_a_method_there_is_none_in_CONNACK()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { AuthenticationMethods = [new Echo()], AllowAnonymous = true });

        var answer = broker.Connect("plain").ConnAck;

        Assert.Null(answer.AuthenticationMethod);
        Assert.Null(answer.AuthenticationData);
    }

    [Fact]
    public void Where_a_method_is_offered_a_client_without_one_is_refused()
    {
        var client = _broker.Open();

        client.Send(new ConnectPacket { ClientId = "plain", UserName = "ann", Password = "secret"u8.ToArray() });

        ExpectRefusal(client, ReasonCode.NotAuthorized);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-1")]
    public void A_method_that_is_not_there_is_refused_with_0x8C()
    {
        var client = _broker.Open();

        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "echo" });

        ExpectRefusal(client, ReasonCode.BadAuthenticationMethod);
    }

    [Theory]
    [Trait("Label", "MQTT-4.12.0-4")]
    [InlineData("no: 0x86", ReasonCode.BadUserNameOrPassword)]
    [InlineData("no: 0x87", ReasonCode.NotAuthorized)]
    [InlineData("elsewhere", ReasonCode.UseAnotherServer)]
    public void A_refusal_in_the_exchange_is_said_in_CONNACK(string data, ReasonCode code)
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        client.Send(Auth(data));

        ExpectRefusal(client, code);
        Assert.Equal(0, _broker.Counters.Sessions);
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.2-30")]
    [InlineData("C000")] // PINGREQ
    [InlineData("300400017400")] // PUBLISH
    [InlineData("8207000100000174 00")] // SUBSCRIBE
    [InlineData("100E00044D5154540502003C0000 0178")] // CONNECT
    public void Before_CONNACK_only_AUTH_and_DISCONNECT_may_come(string hex)
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        ExpectRefusal(client, ReasonCode.ProtocolError);
    }

    [Fact]
    public void DISCONNECT_ends_the_exchange()
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        client.Send(new DisconnectPacket());

        client.ExpectClosed();
        Assert.Equal(0, _broker.Counters.Refusals);
    }

    [Theory]
    [InlineData(ReasonCode.Success, "ECHO")]
    [InlineData(ReasonCode.ReAuthenticate, "ECHO")]
    [InlineData(ReasonCode.ContinueAuthentication, "other")]
    [Trait("Label", "MQTT-4.12.0-5")]
    public void AUTH_that_does_not_follow_ends_the_exchange(ReasonCode code, string method)
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        client.Send(new AuthPacket { ReasonCode = code, AuthenticationMethod = method });

        ExpectRefusal(client, ReasonCode.ProtocolError);
    }

    [Theory]
    [Trait("Label", "MQTT-3.15.1-1")]
    [Trait("Label", "MQTT-3.15.2-1")]
    [InlineData("F100")] // flags of the fixed header
    [InlineData("F0020300")] // Reason Code 3
    [InlineData("F0020100")]
    public void Malformed_AUTH_ends_the_exchange(string hex)
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        client.Send(Convert.FromHexString(hex));

        ExpectRefusal(client, ReasonCode.MalformedPacket);
    }

    [Fact]
    public void AUTH_while_it_is_the_brokers_turn_ends_the_exchange_and_its_step()
    {
        _broker.HoldsSteps = true;
        var client = Open("go on");

        client.Send(Auth("too early"));

        ExpectRefusal(client, ReasonCode.ProtocolError);
        Assert.True(_broker.Steps.Dequeue().Token.IsCancellationRequested);
    }

    [Fact]
    public void Who_does_not_go_on_with_the_exchange_is_closed_after_the_ConnectTimeout()
    {
        var client = Open("go on");
        ExpectContinue(client, "go on");

        _broker.Turn(_broker.Options.ConnectTimeout + TimeSpan.FromSeconds(1));

        ExpectRefusal(client, ReasonCode.NotAuthorized);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-7")]
    public void AUTH_without_a_method_in_CONNECT_is_a_protocol_error()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { AuthenticationMethods = [new Echo()], AllowAnonymous = true });
        var client = broker.Connect("plain");

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "ECHO" });

        client.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.1-1")]
    public void Re_authentication_goes_on_beside_the_traffic()
    {
        var client = Connected();
        client.Subscribe("t");

        client.Send(ReAuth("go on"));
        ExpectContinue(client, "go on");
        client.Publish("t", "meanwhile");
        client.NextMessage("meanwhile");
        client.Send(Auth("ann"));

        var answer = client.Next<AuthPacket>();
        Assert.Equal(
            (ReasonCode.Success, "ECHO", "ann"), (answer.ReasonCode, answer.AuthenticationMethod, Text(answer.AuthenticationData)));
        client.Send(ReAuth("ann"));
        Assert.Equal(ReasonCode.Success, client.Next<AuthPacket>().ReasonCode);
        Assert.Equal(1, _broker.Counters.Connections);
    }

    [Fact]
    public void Traffic_goes_on_while_the_broker_thinks_about_re_authentication()
    {
        var client = Connected();
        client.Subscribe("t");
        _broker.HoldsSteps = true;

        client.Send(ReAuth("ann"));
        client.Publish("t", "meanwhile");

        client.NextMessage("meanwhile");
        client.ExpectNothing();
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept("ann"));
        Assert.Equal(ReasonCode.Success, client.Next<AuthPacket>().ReasonCode);
    }

    [Theory]
    [Trait("Label", "MQTT-4.12.1-2")]
    [InlineData("no: 0x86", ReasonCode.NotAuthorized)] // DISCONNECT has no 0x86
    [InlineData("no: 0x87", ReasonCode.NotAuthorized)]
    [InlineData("no: 0x97", ReasonCode.QuotaExceeded)]
    [InlineData("eve", ReasonCode.NotAuthorized)] // another user
    public void Re_authentication_that_fails_ends_the_connection(string data, ReasonCode code)
    {
        var client = Connected();

        client.Send(ReAuth(data));

        client.ExpectDisconnect(code);
    }

    [Fact]
    public void Re_authentication_may_send_a_client_to_another_server()
    {
        var client = Connected();

        client.Send(ReAuth("elsewhere"));

        Assert.Equal("other.example", client.ExpectDisconnect(ReasonCode.UseAnotherServer).ServerReference);
    }

    [Theory]
    [InlineData(ReasonCode.ReAuthenticate, "other")]
    [InlineData(ReasonCode.ContinueAuthentication, "ECHO")]
    [InlineData(ReasonCode.Success, "ECHO")]
    [Trait("Label", "MQTT-4.12.1-1")]
    public void AUTH_out_of_turn_ends_the_connection(ReasonCode code, string method)
    {
        var client = Connected();

        client.Send(new AuthPacket { ReasonCode = code, AuthenticationMethod = method });

        client.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    public void A_second_re_authentication_before_the_first_is_over_ends_the_connection()
    {
        var client = Connected();
        client.Send(ReAuth("go on"));
        ExpectContinue(client, "go on");

        client.Send(ReAuth("go on"));

        client.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-24")]
    public void AUTH_that_is_larger_than_the_client_takes_is_not_sent()
    {
        var client = _broker.Open();
        client.Send(
            new ConnectPacket
            {
                ClientId = "small",
                AuthenticationMethod = "ECHO",
                AuthenticationData = new byte[100],
                MaximumPacketSize = 40,
            });

        ExpectRefusal(client, ReasonCode.PacketTooLarge, withSentence: false);
    }

    private TestLink Connected()
    {
        var client = Open("ann");
        client.Next<ConnAckPacket>();
        return client;
    }

    private TestLink Open(string data)
    {
        var client = _broker.Open();
        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "ECHO", AuthenticationData = Encoding.UTF8.GetBytes(data) });
        return client;
    }

    private static AuthPacket Auth(string data) =>
        new()
        {
            ReasonCode = ReasonCode.ContinueAuthentication,
            AuthenticationMethod = "ECHO",
            AuthenticationData = Encoding.UTF8.GetBytes(data),
        };

    private static AuthPacket ReAuth(string data) => Auth(data) with { ReasonCode = ReasonCode.ReAuthenticate };

    private static void ExpectContinue(TestLink client, string data)
    {
        var auth = client.Next<AuthPacket>();
        Assert.Null(auth.ReasonString);
        Assert.Empty(auth.UserProperties);
        Assert.Equal(
            (ReasonCode.ContinueAuthentication, "ECHO", data), (auth.ReasonCode, auth.AuthenticationMethod, Text(auth.AuthenticationData)));
    }

    private static void ExpectRefusal(TestLink client, ReasonCode code, bool withSentence = true)
    {
        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(code, answer.ReasonCode);
        Assert.Equal(withSentence, answer.ReasonString is not null);
        client.ExpectClosed();
        Assert.Equal(ConnectionPhase.Closing, client.Connection.Phase);
    }

    private static string Text(ReadOnlyMemory<byte>? data) => Encoding.UTF8.GetString(data!.Value.Span);

    /// <summary>The data says what comes of it.</summary>
    private sealed class Echo : IAuthenticationMethod, IAuthenticationExchange
    {
        public string Name => "ECHO";

        public IAuthenticationExchange Begin(ConnectingClient client) => new Echo();

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(Text(data) switch
            {
                "ann" or "eve" => AuthenticationResult.Accept(Text(data), data),
                "no: 0x86" => AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword),
                "no: 0x87" => AuthenticationResult.Reject(),
                "no: 0x97" => AuthenticationResult.Reject(ReasonCode.QuotaExceeded),
                "elsewhere" => AuthenticationResult.UseAnotherServer("other.example"),
                _ => AuthenticationResult.Continue(data),
            });
    }
}
