using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>The flags and fields of CONNECT and DISCONNECT, statement by statement.</summary>
public sealed class ConnectFieldsTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.2-3")]
    public void The_reserved_Connect_Flag_is_zero() => ExpectMalformed("10 0E 0004 4D515454 05 03 003C 00 0001 78");

    [Fact]
    [Trait("Label", "MQTT-3.1.2-9")]
    public void With_the_Will_Flag_properties_topic_and_payload_of_the_Will_have_to_be_there()
    {
        ExpectMalformed("10 0E 0004 4D515454 05 06 003C 00 0001 78");
        ExpectMalformed("10 0F 0004 4D515454 05 06 003C 00 0001 78 00");
        ExpectMalformed("10 12 0004 4D515454 05 06 003C 00 0001 78 00 0001 77");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-11")]
    public void Without_a_Will_there_is_no_Will_QoS() => ExpectMalformed("10 0E 0004 4D515454 05 0A 003C 00 0001 78");

    [Fact]
    [Trait("Label", "MQTT-3.1.2-12")]
    public void There_is_no_Will_QoS_of_3() => ExpectMalformed("10 14 0004 4D515454 05 1E 003C 00 0001 78 00 0001 77 0000");

    [Fact]
    [Trait("Label", "MQTT-3.1.2-13")]
    public void Without_a_Will_there_is_no_Will_Retain() => ExpectMalformed("10 0E 0004 4D515454 05 22 003C 00 0001 78");

    [Fact]
    [Trait("Label", "MQTT-3.1.2-16")]
    [Trait("Label", "MQTT-3.1.2-17")]
    public void There_is_a_user_name_when_its_flag_says_so_and_only_then()
    {
        ExpectMalformed("10 11 0004 4D515454 05 02 003C 00 0001 78 0001 75");
        ExpectMalformed("10 0E 0004 4D515454 05 82 003C 00 0001 78");
        ExpectAccepted("10 11 0004 4D515454 05 82 003C 00 0001 78 0001 75");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-18")]
    [Trait("Label", "MQTT-3.1.2-19")]
    public void There_is_a_password_when_its_flag_says_so_and_only_then()
    {
        ExpectMalformed("10 14 0004 4D515454 05 82 003C 00 0001 78 0001 75 0001 70");
        ExpectMalformed("10 11 0004 4D515454 05 C2 003C 00 0001 78 0001 75");
        ExpectAccepted("10 14 0004 4D515454 05 C2 003C 00 0001 78 0001 75 0001 70");
        ExpectAccepted("10 11 0004 4D515454 05 42 003C 00 0001 78 0001 70");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-4")]
    [Trait("Label", "MQTT-3.1.3-11")]
    [Trait("Label", "MQTT-3.1.3-12")]
    public void Client_Identifier_Will_Topic_and_user_name_are_UTF_8()
    {
        ExpectMalformed("10 0E 0004 4D515454 05 02 003C 00 0001 FF");
        ExpectMalformed("10 14 0004 4D515454 05 06 003C 00 0001 78 00 0001 FF 0000");
        ExpectMalformed("10 11 0004 4D515454 05 82 003C 00 0001 78 0001 FF");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-2")]
    public void The_Client_Identifier_alone_finds_the_Session()
    {
        var broker = new HandTurnedBroker();
        broker.Connect("one", connect => connect with { SessionExpiryInterval = 100, UserName = "a" }).Lose();

        Assert.False(broker.Connect("One").ConnAck.SessionPresent);
        Assert.True(broker.Connect("one", connect => connect with { UserName = "b", KeepAlive = 7 }).ConnAck.SessionPresent);
    }

    [Theory]
    [Trait("Label", "MQTT-3.14.1-1")]
    [Trait("Label", "MQTT-3.14.2-1")]
    [InlineData("E1 00")] // flags of the fixed header
    [InlineData("E0 01 01")] // no such Reason Code
    [InlineData("E0 01 18")] // one of AUTH
    public void A_malformed_DISCONNECT_is_answered_with_0x81(string hex)
    {
        var client = new HandTurnedBroker().Connect("a");

        client.Send(Bytes(hex));

        client.ExpectDisconnect(ReasonCode.MalformedPacket);
    }

    [Fact]
    [Trait("Label", "MQTT-3.14.4-1")]
    [Trait("Label", "MQTT-3.14.4-2")]
    public void After_a_DISCONNECT_of_either_side_nothing_is_done_or_said_and_the_connection_closes()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "t");
        var client = broker.Connect("leaving");
        client.Send(new DisconnectPacket(), new PublishPacket(TestLink.Message("t")), PingReqPacket.Instance);
        client.ExpectClosed();

        var ended = broker.Connect("ended");
        ended.Send(new ConnectPacket { ClientId = "ended" }, new PublishPacket(TestLink.Message("t")), PingReqPacket.Instance);
        ended.ExpectDisconnect(ReasonCode.ProtocolError);

        listener.ExpectNothing();
    }

    private static void ExpectMalformed(string hex)
    {
        var client = new HandTurnedBroker().Open();
        client.Send(Bytes(hex));
        Assert.Equal(ReasonCode.MalformedPacket, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();
    }

    private static void ExpectAccepted(string hex)
    {
        var client = new HandTurnedBroker().Open();
        client.Send(Bytes(hex));
        Assert.Equal(ReasonCode.Success, client.Next<ConnAckPacket>().ReasonCode);
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
