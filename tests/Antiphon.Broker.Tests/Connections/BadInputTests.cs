using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>What a client that is connected must not send, in bytes, and the Reason Code that ends its connection (MQTT 5 §4.13).</summary>
public sealed class BadInputTests
{
    [Theory]
    [Trait("Label", "MQTT-4.13.1-1")]
    [InlineData("00 00", ReasonCode.MalformedPacket)] // type 0
    [InlineData("30 80808080 00", ReasonCode.MalformedPacket)] // Remaining Length of five bytes
    [InlineData("30 8000", ReasonCode.MalformedPacket)] // Remaining Length not in its shortest form
    [InlineData("30 FFFFFF7F", ReasonCode.PacketTooLarge)]
    // CONNECT
    [InlineData("10 0E 0004 4D515454 05 02 003C 00 0001 78", ReasonCode.ProtocolError)] // [MQTT-3.1.0-2]
    [InlineData("10 0E 0004 4D515454 09 02 003C 00 0001 78", ReasonCode.ProtocolError)] // of a version that is not spoken
    [InlineData("10 00", ReasonCode.ProtocolError)]
    // PUBLISH
    [InlineData("36 06 0001 61 0001 00", ReasonCode.MalformedPacket)] // QoS 3 [MQTT-3.3.1-4]
    [InlineData("38 04 0001 61 00", ReasonCode.MalformedPacket)] // DUP with QoS 0 [MQTT-3.3.1-2]
    [InlineData("30 00", ReasonCode.MalformedPacket)] // no topic
    [InlineData("30 04 0005 61 00", ReasonCode.MalformedPacket)] // the topic is longer than the packet
    [InlineData("30 04 0001 FF 00", ReasonCode.MalformedPacket)] // bad UTF-8 [MQTT-1.5.4-1]
    [InlineData("30 06 0003 EDA080 00", ReasonCode.MalformedPacket)] // a surrogate [MQTT-1.5.4-1]
    [InlineData("30 04 0001 00 00", ReasonCode.MalformedPacket)] // U+0000 [MQTT-1.5.4-2]
    [InlineData("30 03 0000 00", ReasonCode.ProtocolError)] // neither topic nor alias
    [InlineData("30 04 0001 2B 00", ReasonCode.TopicNameInvalid)] // + [MQTT-3.3.2-2]
    [InlineData("30 05 0002 6123 00", ReasonCode.TopicNameInvalid)] // # [MQTT-3.3.2-2]
    [InlineData("32 06 0001 61 0000 00", ReasonCode.ProtocolError)] // Packet Identifier 0 [MQTT-2.2.1-3]
    [InlineData("32 04 0001 61 00", ReasonCode.MalformedPacket)] // half a Packet Identifier
    [InlineData("30 05 0001 61 01 00", ReasonCode.MalformedPacket)] // a property of no length
    [InlineData("30 06 0001 61 02 0102", ReasonCode.ProtocolError)] // Payload Format Indicator 2
    [InlineData("30 08 0001 61 04 0101 0101", ReasonCode.ProtocolError)] // a property twice
    [InlineData("30 09 0001 61 05 1100000001", ReasonCode.MalformedPacket)] // a property of CONNECT
    [InlineData("30 06 0001 61 02 7F00", ReasonCode.MalformedPacket)] // an unknown property
    [InlineData("30 06 0001 61 7F 0101", ReasonCode.MalformedPacket)] // properties beyond the end
    [InlineData("30 06 0001 61 02 0B01", ReasonCode.ProtocolError)] // Subscription Identifier [MQTT-3.3.4-6]
    [InlineData("30 08 0001 61 04 08000161", null)] // fine: a Response Topic
    [InlineData("30 08 0001 61 04 0800012B", ReasonCode.ProtocolError)] // Response Topic with a wildcard [MQTT-3.3.2-14]
    [InlineData("30 07 0001 61 03 080000", ReasonCode.ProtocolError)] // empty Response Topic
    [InlineData("30 07 0001 61 03 230000", ReasonCode.TopicAliasInvalid)] // alias 0 [MQTT-3.3.2-8]
    [InlineData("30 07 0001 61 03 230011", ReasonCode.TopicAliasInvalid)] // alias over the maximum [MQTT-3.3.2-9]
    [InlineData("30 06 0000 03 230001", ReasonCode.ProtocolError)] // an alias that stands for nothing
    // PUBACK, PUBREC, PUBREL, PUBCOMP
    [InlineData("40 00", ReasonCode.MalformedPacket)]
    [InlineData("40 02 0000", ReasonCode.ProtocolError)] // Packet Identifier 0
    [InlineData("40 03 0001 01", ReasonCode.MalformedPacket)] // no such Reason Code [MQTT-3.4.2-1]
    [InlineData("40 05 0001 00 00 00", ReasonCode.MalformedPacket)] // a byte too many
    [InlineData("41 02 0001", ReasonCode.MalformedPacket)] // flags
    [InlineData("50 03 0001 92", ReasonCode.MalformedPacket)] // a code of PUBREL [MQTT-3.5.2-1]
    [InlineData("60 02 0001", ReasonCode.MalformedPacket)] // flags [MQTT-3.6.1-1]
    [InlineData("62 03 0001 10", ReasonCode.MalformedPacket)] // [MQTT-3.6.2-1]
    [InlineData("70 03 0001 87", ReasonCode.MalformedPacket)] // [MQTT-3.7.2-1]
    // SUBSCRIBE
    [InlineData("80 07 0001 00 0001 61 00", ReasonCode.MalformedPacket)] // flags [MQTT-3.8.1-1]
    [InlineData("82 03 0001 00", ReasonCode.ProtocolError)] // no filter [MQTT-3.8.3-2]
    [InlineData("82 07 0000 00 0001 61 00", ReasonCode.ProtocolError)] // Packet Identifier 0
    [InlineData("82 07 0001 00 0001 61 03", ReasonCode.ProtocolError)] // QoS 3
    [InlineData("82 07 0001 00 0001 61 30", ReasonCode.ProtocolError)] // Retain Handling 3
    [InlineData("82 07 0001 00 0001 61 40", ReasonCode.MalformedPacket)] // reserved bit [MQTT-3.8.3-5]
    [InlineData("82 06 0001 00 0001 61", ReasonCode.MalformedPacket)] // no options
    [InlineData("82 09 0001 02 0B00 0001 61 00", ReasonCode.ProtocolError)] // Subscription Identifier 0
    [InlineData("82 0B 0001 04 0B010B01 0001 61 00", ReasonCode.ProtocolError)] // Subscription Identifier twice
    [InlineData("82 06 0001 00 0000 00", ReasonCode.TopicFilterInvalid)] // empty filter [MQTT-4.7.3-1]
    [InlineData("82 08 0001 00 0002 6123 00", ReasonCode.TopicFilterInvalid)] // a# [MQTT-4.7.1-1]
    [InlineData("82 08 0001 00 0002 612B 00", ReasonCode.TopicFilterInvalid)] // a+ [MQTT-4.7.1-2]
    [InlineData("82 09 0001 00 0003 232F61 00", ReasonCode.TopicFilterInvalid)] // #/a
    [InlineData("82 0E 0001 00 0008 2473686172652F67 00", ReasonCode.TopicFilterInvalid)] // $share/g [MQTT-4.8.2-2]
    [InlineData("82 0F 0001 00 0009 2473686172652F2F61 00", ReasonCode.TopicFilterInvalid)] // $share//a [MQTT-4.8.2-1]
    [InlineData("82 10 0001 00 000A 2473686172652F2B2F61 00", ReasonCode.TopicFilterInvalid)] // $share/+/a [MQTT-4.8.2-2]
    // UNSUBSCRIBE
    [InlineData("A0 06 0001 00 0001 61", ReasonCode.MalformedPacket)] // flags [MQTT-3.10.1-1]
    [InlineData("A2 03 0001 00", ReasonCode.ProtocolError)] // no filter [MQTT-3.10.3-2]
    [InlineData("A2 06 0001 00 0001 FF", ReasonCode.MalformedPacket)] // [MQTT-3.10.3-1]
    // PINGREQ
    [InlineData("C1 00", ReasonCode.MalformedPacket)] // flags
    [InlineData("C0 01 00", ReasonCode.MalformedPacket)] // a body
    // DISCONNECT
    [InlineData("E1 00", ReasonCode.MalformedPacket)] // flags [MQTT-3.14.1-1]
    [InlineData("E0 01 01", ReasonCode.MalformedPacket)] // no such Reason Code [MQTT-3.14.2-1]
    [InlineData("E0 01 87", ReasonCode.ProtocolError)] // a DISCONNECT that only a server says
    [InlineData("E0 01 8E", ReasonCode.ProtocolError)]
    [InlineData("E0 01 9C", ReasonCode.ProtocolError)]
    [InlineData("E0 07 00 05 1100000001", ReasonCode.ProtocolError)] // raises the Session Expiry from 0
    [InlineData("E0 06 00 04 1C000161", ReasonCode.ProtocolError)] // Server Reference
    // AUTH
    [InlineData("F1 00", ReasonCode.MalformedPacket)] // flags [MQTT-3.15.1-1]
    [InlineData("F0 06 18 04 15000161", ReasonCode.ProtocolError)] // no enhanced authentication
    // Packets of a server
    [InlineData("20 03 00 00 00", ReasonCode.ProtocolError)]
    [InlineData("90 04 0001 00 00", ReasonCode.ProtocolError)]
    [InlineData("B0 04 0001 00 00", ReasonCode.ProtocolError)]
    [InlineData("D0 00", ReasonCode.ProtocolError)]
    public void A_bad_packet_ends_its_connection_with_the_reason_and_others_notice_nothing(string hex, ReasonCode? code)
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "#");
        var client = broker.Connect("bad");

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        if (code is { } expected)
        {
            Assert.False(string.IsNullOrEmpty(client.ExpectDisconnect(expected).ReasonString));
            listener.ExpectNothing();
            Assert.Equal(1, broker.Counters.Refusals);
            Assert.Equal(1, broker.Counters.Sessions);
            Assert.Equal(1, broker.Counters.Subscriptions);
        }
        else
        {
            client.ExpectNothing();
            listener.All();
        }

        broker.Connect("other").Publish("t", "goes on");
        listener.NextMessage("goes on");
    }

    [Fact]
    public void Acknowledgements_of_QoS_2_that_was_never_sent_are_answered_with_0x92()
    {
        var client = new HandTurnedBroker().Connect("client");

        client.Send(
            new AcknowledgementPacket(PacketType.PubRec, new(7)),
            new AcknowledgementPacket(PacketType.PubRel, new(8)),
            new AcknowledgementPacket(PacketType.PubComp, new(9)),
            PingReqPacket.Instance);

        Assert.Equal(
            new AcknowledgementPacket(PacketType.PubRel, new(7), ReasonCode.PacketIdentifierNotFound),
            client.Next<AcknowledgementPacket>());
        Assert.Equal(
            new AcknowledgementPacket(PacketType.PubComp, new(8), ReasonCode.PacketIdentifierNotFound),
            client.Next<AcknowledgementPacket>());
        client.Next<PingRespPacket>();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-12")]
    [Trait("Label", "MQTT-3.3.2-7")]
    public void Topic_Aliases_up_to_the_maximum_stand_for_their_topics_until_the_connection_ends()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { TopicAliasMaximum = 3 });
        var listener = broker.Subscriber("listener", "#");
        var client = broker.Connect("client", connect => connect with { SessionExpiryInterval = 100 });
        for (ushort alias = 1; alias <= 3; alias++)
        {
            client.Send(new PublishPacket(TestLink.Message($"t/{alias}")) { TopicAlias = alias });
        }

        for (ushort alias = 1; alias <= 3; alias++)
        {
            client.Send(new PublishPacket(TestLink.Message("", "again")) { TopicAlias = alias });
        }

        Assert.Equal(
            ["t/1", "t/2", "t/3", "t/1", "t/2", "t/3"], listener.All().Cast<PublishPacket>().Select(publish => publish.Message.Topic));
        client.Send(
            new PublishPacket(TestLink.Message("other")) { TopicAlias = 2 },
            new PublishPacket(TestLink.Message("", "moved")) { TopicAlias = 2 });
        Assert.All(listener.All(), packet => Assert.Equal((null, "other"), Alias(packet)));
        client.Lose();

        var back = broker.Connect("client");
        back.Send(new PublishPacket(TestLink.Message("")) { TopicAlias = 2 });

        back.ExpectDisconnect(ReasonCode.ProtocolError);

        static (ushort?, string) Alias(Packet packet) =>
            packet is PublishPacket publish ? (publish.TopicAlias, publish.Message.Topic) : default;
    }
}
