using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>How many may connect and under what names, and what is said to whom.</summary>
public sealed class LimitsTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.4-2")]
    public void A_client_beyond_the_maximum_of_connections_is_refused_with_0x97_until_another_goes()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnections = 2 });
        broker.Open();
        var first = broker.Connect("first");
        broker.Connect("second");

        ExpectRefusal(broker, "third", ReasonCode.QuotaExceeded, returnCode: 3);

        first.Lose();
        broker.Connect("third");
    }

    [Fact]
    public void Clients_that_are_authenticated_at_the_same_time_do_not_exceed_the_maximum_of_connections()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { MaximumConnections = 1, Authenticator = CredentialList.Empty.Passwords })
        { HoldsSteps = true };
        var clients = new[] { broker.Open(), broker.Open() };
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i].Send(new ConnectPacket { ClientId = $"{i}", UserName = "ann" });
        }

        while (broker.Steps.TryDequeue(out var step))
        {
            broker.Return(step, AuthenticationResult.Accept("ann"));
        }

        Assert.Equal([ReasonCode.Success, ReasonCode.QuotaExceeded], clients.Select(client => client.Next<ConnAckPacket>().ReasonCode));
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Fact]
    public void At_the_maximum_of_connections_a_client_may_still_take_its_own_place()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnections = 1 });
        var stale = broker.Connect("only");

        broker.Connect("only");

        stale.ExpectDisconnect(ReasonCode.SessionTakenOver);
    }

    [Fact]
    public void A_client_that_would_begin_a_Session_beyond_the_maximum_is_refused_with_0x97()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSessions = 2 });
        broker.Connect("away", connect => connect with { SessionExpiryInterval = 100 }).Lose();
        broker.Connect("there");

        ExpectRefusal(broker, "new", ReasonCode.QuotaExceeded, returnCode: 3);

        Assert.True(broker.Connect("away").ConnAck.SessionPresent);
        broker.Connect("there", connect => connect with { CleanStart = true });
        Assert.Equal(2, broker.Counters.Sessions);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-8")]
    public void A_Client_Identifier_that_is_too_long_is_refused_with_0x85()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumClientIdLength = 23 });
        broker.Connect(new string('a', 23));

        ExpectRefusal(broker, new string('a', 24), ReasonCode.ClientIdentifierNotValid, returnCode: 2);
        ExpectRefusal(broker, new string('ä', 12), ReasonCode.ClientIdentifierNotValid, returnCode: 2);
    }

    [Theory]
    [Trait("Label", "MQTT-3.2.2-19")]
    [Trait("Label", "MQTT-3.2.2-20")]
    [InlineData(10u, false)]
    [InlineData(1000u, true)]
    public void CONNACK_goes_without_its_Reason_String_where_that_does_not_fit(uint maximumPacketSize, bool fits)
    {
        var client = new HandTurnedBroker().Open();

        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "x", MaximumPacketSize = maximumPacketSize });

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(fits, answer.ReasonString is not null);
        Assert.Empty(answer.UserProperties);
        client.ExpectClosed();
    }

    [Theory]
    [Trait("Label", "MQTT-3.14.2-3")]
    [Trait("Label", "MQTT-3.14.2-4")]
    [InlineData(40u, false)]
    [InlineData(1000u, true)]
    public void DISCONNECT_goes_without_its_Reason_String_where_that_does_not_fit(uint maximumPacketSize, bool fits)
    {
        var client = new HandTurnedBroker().Connect("a", connect => connect with { MaximumPacketSize = maximumPacketSize });

        client.Send(new ConnectPacket { ClientId = "a" });

        var goodbye = client.ExpectDisconnect(ReasonCode.ProtocolError);
        Assert.Equal(fits, goodbye.ReasonString is not null);
        Assert.Empty(goodbye.UserProperties);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-29")]
    [Trait("Label", "MQTT-3.14.2-2")]
    public void Without_Problem_Information_CONNACK_and_DISCONNECT_still_say_why_and_SUBACK_does_not()
    {
        var client = new HandTurnedBroker().Connect("a", connect => connect with { RequestProblemInformation = false });

        var refused = client.Subscribe("$reply/foreign");
        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCodes[0]);
        Assert.Null(refused.ReasonString);
        client.Send(new ConnectPacket { ClientId = "a" });

        var goodbye = client.ExpectDisconnect(ReasonCode.ProtocolError);
        Assert.NotNull(goodbye.ReasonString);
        Assert.Null(goodbye.SessionExpiryInterval);
    }

    [Theory]
    [Trait("Label", "MQTT-3.9.2-1")]
    [InlineData(40u, false)]
    [InlineData(1000u, true)]
    public void SUBACK_says_why_it_refuses_where_that_fits(uint maximumPacketSize, bool fits)
    {
        var client = new HandTurnedBroker().Connect("a", connect => connect with { MaximumPacketSize = maximumPacketSize });

        var refused = client.Subscribe("$reply/foreign");
        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCodes[0]);
        Assert.Equal(fits, refused.ReasonString is not null);
        Assert.Null(client.Subscribe("allowed").ReasonString);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-1")]
    [Trait("Label", "MQTT-3.2.0-2")]
    public void There_is_one_CONNACK_and_its_flags_are_0_or_1()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("a", connect => connect with { SessionExpiryInterval = 100 });
        Assert.Equal(0, client.Received[2]);
        client.Send(new ConnectPacket { ClientId = "a" });
        Assert.Empty(client.All().OfType<ConnAckPacket>());

        Assert.Equal(1, broker.Connect("a").Received[2]);
    }

    private static void ExpectRefusal(HandTurnedBroker broker, string clientId, ReasonCode code, byte returnCode)
    {
        var client = broker.Open();
        client.Send(new ConnectPacket { ClientId = clientId });
        Assert.Equal(code, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();

        var old = broker.Open();
        old.Version = ProtocolVersion.V311;
        old.Send(new ConnectPacket { ClientId = clientId, ProtocolVersion = ProtocolVersion.V311, CleanStart = true });
        Assert.Equal<byte>([0x20, 2, 0, returnCode], old.Received.ToArray());
        Assert.True(old.SendingEnded);
    }
}
