using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>Clients of MQTT 3.1.1, alone and beside those of MQTT 5. Section numbers are those of MQTT 3.1.1.</summary>
public sealed class Mqtt311Tests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    public void CONNACK_is_a_return_code_and_whether_there_is_a_Session()
    {
        var client = _broker.ConnectV311("old", cleanSession: false);
        Assert.Equal<byte>([0x20, 2, 0, 0], client.Received.ToArray());
        client.Lose();

        Assert.Equal<byte>([0x20, 2, 1, 0], _broker.ConnectV311("old", cleanSession: false).Received.ToArray());
    }

    [Fact] // §3.1.2.4
    public void Without_Clean_Session_the_Session_lasts_as_long_as_a_Session_may()
    {
        var client = _broker.ConnectV311("old", cleanSession: false);
        client.Subscribe("t");
        client.Lose();
        _broker.Connect("publisher").PublishAcknowledged("t", "kept");
        _broker.Turn(_broker.Options.MaximumSessionExpiry - TimeSpan.FromSeconds(1));

        var again = _broker.ConnectV311("old", cleanSession: false);
        Assert.True(again.ConnAck.SessionPresent);
        again.NextMessage("kept");
        again.Lose();
        _broker.Turn(_broker.Options.MaximumSessionExpiry + TimeSpan.FromSeconds(1));

        Assert.False(_broker.ConnectV311("old", cleanSession: false).ConnAck.SessionPresent);
    }

    [Fact] // §3.1.2.4
    public void With_Clean_Session_the_Session_begins_and_ends_with_the_connection()
    {
        _broker.ConnectV311("old", cleanSession: false).Lose();

        var client = _broker.ConnectV311("old");
        Assert.False(client.ConnAck.SessionPresent);
        Assert.Equal(2, _broker.Counters.Sessions + _broker.Counters.Connections);
        client.Send(new DisconnectPacket());

        Assert.Equal(0, _broker.Counters.Sessions);
    }

    [Fact] // §3.1.3.1
    public void A_client_without_an_identifier_is_accepted_with_Clean_Session()
    {
        var first = _broker.ConnectV311("");
        var second = _broker.ConnectV311("");

        Assert.Equal(2, _broker.Counters.Sessions);
        first.Publish("still/there");
        second.Publish("still/there");
        Assert.Equal(2, _broker.Counters.MessagesReceived);
    }

    [Fact] // §3.1.3.1
    public void A_client_without_an_identifier_is_refused_with_return_code_2_when_it_wants_a_lasting_Session()
    {
        var client = Open();

        client.Send(new ConnectPacket { ProtocolVersion = ProtocolVersion.V311 });

        ExpectReturnCode(client, 2);
    }

    [Theory] // §3.1.2.2
    [InlineData("10 0F 0006 4D5149736470 03 02 003C 0001 78")] // MQTT 3.1: MQIsdp, level 3
    [InlineData("10 0F 0006 4D5149736470 04 02 003C 0001 78")] // a name and a level that do not belong together
    [InlineData("10 0D 0004 4D515454 03 02 003C 0001 78")]
    [InlineData("10 0D 0004 4D515454 00 02 003C 0001 78")]
    [InlineData("10 0F 0006 4D5149736470 83 02 003C 0001 78")] // MQTT 3.1 with the bit of a bridge
    [InlineData("10 10 0006 4D5149736470 05 02 003C 00 0001 78")]
    [InlineData("10 0E 0004 4D515454 06 02 003C 00 0001 78")] // versions to come
    [InlineData("10 0E 0004 4D515454 7F 02 003C 00 0001 78")]
    [InlineData("10 0E 0004 4D515454 85 02 003C 00 0001 78")] // MQTT 5 has no bit for bridges
    [InlineData("10 0D 0004 4D515454 80 02 003C 0001 78")]
    [InlineData("10 0D 0004 4D515454 FF 02 003C 0001 78")]
    public void A_protocol_that_is_not_spoken_here_is_refused_with_return_code_1(string hex)
    {
        var client = Open();

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        ExpectReturnCode(client, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MQTT_3_1_1_can_be_switched_off(bool isBridge)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MinimumProtocolVersion = ProtocolVersion.V5 });
        var client = broker.Open();
        client.Version = ProtocolVersion.V311;

        client.Send(new ConnectPacket { ClientId = "old", ProtocolVersion = ProtocolVersion.V311, IsBridge = isBridge, CleanStart = true });

        ExpectReturnCode(client, 1);
        broker.Connect("new");
    }

    [Theory] // §3.1.4, §3.1.2.3, §3.1.2.6, §3.1.2.8, §3.1.2.9
    [InlineData("10 0D 0004 4D515454 04 03 003C 0001 78")] // the reserved flag
    [InlineData("10 0D 0004 4D515454 04 82 003C 0001 78")] // user name flag, no user name
    [InlineData("10 10 0004 4D515454 04 42 003C 0001 78 0001 70")] // a password without a user name
    [InlineData("10 10 0004 4D515454 04 C2 003C 0001 78 0001 75")] // password flag, no password
    [InlineData("10 10 0004 4D515454 04 02 003C 0001 78 0001 75")] // a user name, no flag
    [InlineData("10 0D 0004 4D515454 04 1A 003C 0001 78")] // Will QoS without a Will
    [InlineData("10 0E 0004 4D515454 04 02 003C 00 0001 78")] // the properties of MQTT 5
    [InlineData("10 0D 0004 4D515454 04 02 003C 0001 FF")] // bad UTF-8
    public void A_bad_CONNECT_is_closed_without_a_word(string hex)
    {
        var client = Open();

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        Assert.True(client.Received.IsEmpty);
        client.ExpectClosed();
        Assert.Equal(1, _broker.Counters.Refusals);
    }

    [Fact] // §3.1.2.8, §3.1.2.9
    public void User_name_and_password_may_be_there_and_may_be_empty()
    {
        _broker.ConnectV311("a", with: connect => connect with { UserName = "user" });
        _broker.ConnectV311("b", with: connect => connect with { UserName = "user", Password = "secret"u8.ToArray() });
        _broker.ConnectV311("c", with: connect => connect with { UserName = "", Password = ReadOnlyMemory<byte>.Empty });

        Assert.Equal(3, _broker.Counters.Sessions);
    }

    [Theory] // §4.8
    [InlineData("C1 00")] // flags of PINGREQ
    [InlineData("C0 01 00")] // PINGREQ with a body
    [InlineData("E0 01 00")] // DISCONNECT with a Reason Code
    [InlineData("F0 00")] // AUTH
    [InlineData("82 06 0000 0001 61 00")] // SUBSCRIBE with Packet Identifier 0
    [InlineData("82 06 0001 0001 61 04")] // No Local, which MQTT 3.1.1 does not have
    [InlineData("82 06 0001 0001 61 03")] // QoS 3
    [InlineData("82 09 0001 0004 612F2362 00")] // a bad Topic Filter
    [InlineData("80 06 0001 0001 61 00")] // flags of SUBSCRIBE
    [InlineData("82 02 0001")] // SUBSCRIBE without a Topic Filter
    [InlineData("A2 02 0001")] // UNSUBSCRIBE without a Topic Filter
    [InlineData("32 05 0001 61 0000")] // PUBLISH with Packet Identifier 0
    [InlineData("30 03 0001 2B")] // a wildcard in a Topic Name
    [InlineData("30 02 0000")] // no Topic Name, and no alias in MQTT 3.1.1
    [InlineData("36 05 0001 61 0001")] // QoS 3
    [InlineData("40 03 0001 00")] // PUBACK with a Reason Code
    [InlineData("20 02 00 00")] // CONNACK
    [InlineData("90 03 0001 00")] // SUBACK
    [InlineData("10 0D 0004 4D515454 04 02 003C 0001 78")] // CONNECT again
    public void What_is_against_the_rules_ends_the_connection_without_a_word(string hex)
    {
        var client = _broker.ConnectV311("bad");

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        client.ExpectClosed();
        Assert.Equal(1, _broker.Counters.Refusals);
    }

    [Fact] // §3.9.3
    public void A_refused_subscription_is_0x80_and_the_others_of_the_packet_stand()
    {
        var client = _broker.ConnectV311("old");
        var at = client.Received.Length;

        client.Send(new SubscribePacket
        {
            PacketIdentifier = new(7),
            Subscriptions =
            [
                new("a/#", new(QualityOfService.AtMostOnce)),
                new("$reply/foreign", new(QualityOfService.AtLeastOnce)),
                new("b", new(QualityOfService.AtLeastOnce)),
            ],
        });

        Assert.Equal<byte>([0x90, 5, 0, 7, 0, 0x80, 1], client.Received[at..].ToArray());
    }

    [Fact] // §3.11
    public void UNSUBACK_has_no_payload_whether_there_was_a_subscription_or_not()
    {
        var client = _broker.ConnectV311("old");
        client.Subscribe("a");
        var at = client.Received.Length;

        client.Send(new UnsubscribePacket { PacketIdentifier = new(8), TopicFilters = ["a", "never"] });

        Assert.Equal<byte>([0xB0, 2, 0, 8], client.Received[at..].ToArray());
        Assert.Equal(0, _broker.Counters.Subscriptions);
    }

    [Fact] // §3.4: there is no negative acknowledgement
    public void A_message_that_is_refused_is_acknowledged_all_the_same_and_counted()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var answers = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(answers);
        var client = _broker.ConnectV311("old");
        var at = client.Received.Length;

        client.Send(new PublishPacket(TestLink.Message(answers, "uninvited", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(3) });
        client.Send(new PublishPacket(TestLink.Message("nobody", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(4) });

        Assert.Equal<byte>([0x40, 2, 0, 3, 0x40, 2, 0, 4], client.Received[at..].ToArray());
        Assert.Equal(1, _broker.Counters.UninvitedResponses);
        requester.ExpectNothing();
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_message_of_MQTT_5_comes_without_its_properties(QualityOfService qos)
    {
        var old = _broker.ConnectV311("old");
        old.Subscribe("t", qos);
        var at = old.Received.Length;

        _broker.Connect("new").PublishAcknowledged(TestLink.Message("t", "x") with
        {
            ContentType = "text/plain",
            ResponseTopic = "answers",
            CorrelationData = new byte[] { 1 },
            MessageExpiryInterval = 10,
            UserProperties = [new UserProperty("a", "b")],
        });

        Assert.Equal<byte>(
            qos == QualityOfService.AtMostOnce
                ? [0x30, 4, 0, 1, (byte)'t', (byte)'x']
                : [0x32, 6, 0, 1, (byte)'t', 0, 1, (byte)'x'],
            old.Received[at..].ToArray());
    }

    [Fact]
    public void A_message_for_both_versions_that_is_too_large_to_be_copied_comes_whole_to_each()
    {
        var old = _broker.ConnectV311("old");
        old.Subscribe("t");
        var recent = _broker.Subscriber("new", "t");
        var large = new string('x', 10_000);

        _broker.Connect("publisher").PublishAcknowledged(TestLink.Message("t", large) with { ContentType = "text/plain" });

        Assert.Null(old.NextMessage(large).Message.ContentType);
        Assert.Equal("text/plain", recent.NextMessage(large).Message.ContentType);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_message_of_MQTT_3_1_1_comes_to_MQTT_5_with_the_receivers_Subscription_Identifier(QualityOfService qos)
    {
        var recent = _broker.Connect("new");
        recent.Subscribe("t/#", qos, identifier: 9);
        var old = _broker.ConnectV311("old");

        old.PublishAcknowledged("t/1", "from old");

        var message = recent.NextMessage("from old");
        Assert.Equal(qos, message.Message.QoS);
        Assert.Equal([9u], message.SubscriptionIdentifiers);
        Assert.Empty(message.Message.UserProperties);
    }

    [Fact] // §3.1.2.5
    public void The_Will_is_published_when_the_client_is_lost_and_discarded_by_DISCONNECT()
    {
        var listener = _broker.Subscriber("listener", "will");
        var will = new Will(TestLink.Message("will", "gone", QualityOfService.AtLeastOnce));

        _broker.ConnectV311("polite", with: connect => connect with { Will = will }).Send(new DisconnectPacket());
        listener.ExpectNothing();
        _broker.ConnectV311("lost", cleanSession: false, connect => connect with { Will = will }).Lose();

        listener.NextMessage("gone");
        listener.ExpectNothing();
    }

    [Fact] // §3.1.2.10
    public void Silence_for_one_and_a_half_times_the_Keep_Alive_ends_the_connection_without_a_word()
    {
        var client = _broker.ConnectV311("quiet", with: connect => connect with { KeepAlive = 10 });

        _broker.TurnSeconds(14.9);
        Assert.False(client.SendingEnded);
        _broker.TurnSeconds(0.2);

        client.ExpectClosed();
    }

    [Fact]
    public void The_clients_Keep_Alive_holds_because_it_cannot_be_told_another()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumKeepAlive = TimeSpan.FromSeconds(5) });
        var client = broker.ConnectV311("quiet", with: connect => connect with { KeepAlive = 10 });

        broker.TurnSeconds(14.9);
        client.Send(PingReqPacket.Instance);
        client.Next<PingRespPacket>();
        broker.TurnSeconds(15.1);

        client.ExpectClosed();
    }

    [Fact]
    public void The_Receive_Maximum_which_it_cannot_be_told_does_not_bind_it()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024, ReceiveMaximum = 5 });
        broker.Subscriber("slow", "t");
        var client = broker.ConnectV311("old");

        for (ushort i = 1; i <= 40; i++)
        {
            client.Send(
                new PublishPacket(
                    TestLink.Message("t", new string('x', 60_000), QualityOfService.AtLeastOnce))
                { PacketIdentifier = new(i) });
        }

        Assert.InRange(broker.Counters.WithheldAcknowledgements, 6, 39);
        Assert.False(client.SendingEnded);
    }

    [Theory]
    [InlineData(ProtocolVersion.V311, ProtocolVersion.V5)]
    [InlineData(ProtocolVersion.V5, ProtocolVersion.V311)]
    [InlineData(ProtocolVersion.V311, ProtocolVersion.V311)]
    [Trait("Label", "MQTT-3.1.4-3")]
    public void A_connection_of_either_version_takes_the_Session_over_and_all_that_waits_in_it(
        ProtocolVersion before, ProtocolVersion after)
    {
        var publisher = _broker.Connect("publisher");
        var first = Lasting("shared", before);
        first.Subscribe("t", QualityOfService.AtLeastOnce);
        publisher.PublishAcknowledged(TestLink.Message("t", "unacknowledged") with { ContentType = "text/plain" });
        var unacknowledged = first.NextMessage("unacknowledged");

        var second = Lasting("shared", after);

        Assert.True(second.ConnAck.SessionPresent);
        if (before == ProtocolVersion.V5)
        {
            first.ExpectDisconnect(ReasonCode.SessionTakenOver);
        }

        first.ExpectClosed();
        var again = second.NextMessage("unacknowledged");
        Assert.True(again.Dup);
        Assert.Equal(unacknowledged.PacketIdentifier, again.PacketIdentifier);
        Assert.Equal(after == ProtocolVersion.V5 ? "text/plain" : null, again.Message.ContentType);
        second.Acknowledge(again);
        publisher.PublishAcknowledged("t", "next");
        second.NextMessage("next");
    }

    [Theory]
    [InlineData(ProtocolVersion.V311, ProtocolVersion.V5)]
    [InlineData(ProtocolVersion.V5, ProtocolVersion.V311)]
    [InlineData(ProtocolVersion.V311, ProtocolVersion.V311)]
    [Trait("Label", "MQTT-4.3.3-6")]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void A_connection_that_takes_the_Session_over_finishes_what_QoS_2_has_begun_in_either_direction(
        ProtocolVersion before, ProtocolVersion after)
    {
        var publisher = _broker.Connect("publisher");
        var listener = _broker.Subscriber("listener", "own", QualityOfService.ExactlyOnce);
        var first = Lasting("shared", before);
        first.Subscribe("t", QualityOfService.ExactlyOnce);
        publisher.PublishExactlyOnce("t", "released");
        publisher.PublishExactlyOnce("t", "begun");
        var released = first.NextMessage("released");
        var begun = first.NextMessage("begun");
        first.Answer(PacketType.PubRec, released.PacketIdentifier);
        first.ExpectAnswer(PacketType.PubRel, released.PacketIdentifier);
        var own = new PublishPacket(TestLink.Message("own", "once", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(9) };
        first.Send(own);
        first.ExpectAnswer(PacketType.PubRec, own.PacketIdentifier);

        var second = Lasting("shared", after);

        second.ExpectAnswer(PacketType.PubRel, released.PacketIdentifier);
        second.Answer(PacketType.PubComp, released.PacketIdentifier);
        var again = second.NextMessage("begun");
        Assert.Equal((true, begun.PacketIdentifier), (again.Dup, again.PacketIdentifier));
        second.Complete(again);
        second.Send(own with { Dup = true });
        second.ExpectAnswer(PacketType.PubRec, own.PacketIdentifier);
        second.Answer(PacketType.PubRel, own.PacketIdentifier);
        second.ExpectAnswer(PacketType.PubComp, own.PacketIdentifier);
        listener.Complete(listener.NextMessage("once"));
        listener.ExpectNothing();
        second.ExpectNothing();
        Assert.Equal(0, _broker.Counters.UnknownAcknowledgements);
    }

    [Fact]
    public void Acknowledgements_of_QoS_2_that_nobody_waits_for_are_answered_without_a_Reason_Code()
    {
        var client = _broker.ConnectV311("old");
        var before = client.Received.Length;

        client.Answer(PacketType.PubRec, new(7));
        client.Answer(PacketType.PubRel, new(8));

        Assert.Equal<byte>([0x62, 2, 0, 7, 0x70, 2, 0, 8], client.Received[before..].ToArray());
    }

    [Fact]
    public void A_refused_QoS_2_message_is_taken_to_its_end_and_its_identifier_then_means_a_new_one()
    {
        var listener = _broker.Subscriber("listener", "t", QualityOfService.ExactlyOnce);
        var client = _broker.ConnectV311("old");
        foreach (var topic in new[] { "$SYS/x", "t" })
        {
            client.Send(new PublishPacket(TestLink.Message(topic, topic, QualityOfService.ExactlyOnce)) { PacketIdentifier = new(3) });
            client.ExpectAnswer(PacketType.PubRec, new(3));
            client.Answer(PacketType.PubRel, new(3));
            client.ExpectAnswer(PacketType.PubComp, new(3));
        }

        listener.NextMessage("t");
        listener.ExpectNothing();
    }

    [Fact]
    public void What_MQTT_5_has_given_a_Session_is_there_again_when_MQTT_5_comes_back()
    {
        var publisher = _broker.Connect("publisher");
        var first = Lasting("shared", ProtocolVersion.V5);
        first.Subscribe("t", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true), identifier: 4);

        var old = Lasting("shared", ProtocolVersion.V311);
        old.PublishAcknowledged("t", "own");
        publisher.PublishAcknowledged("t", "to old");
        old.Acknowledge(old.NextMessage("to old"));

        var back = Lasting("shared", ProtocolVersion.V5);
        publisher.PublishAcknowledged("t", "to new");
        Assert.Equal([4u], back.NextMessage("to new").SubscriptionIdentifiers);
        back.ExpectNothing();
    }

    [Fact]
    public void A_Session_that_MQTT_3_1_1_takes_over_lasts_as_MQTT_3_1_1_has_it()
    {
        _broker.Connect("shared", connect => connect with { SessionExpiryInterval = 5 });
        _broker.ConnectV311("shared", cleanSession: false).Lose();

        _broker.TurnSeconds(60);

        Assert.True(_broker.ConnectV311("shared", cleanSession: false).ConnAck.SessionPresent);
    }

    [Fact]
    public void The_broker_says_no_goodbye()
    {
        var client = _broker.ConnectV311("old");

        _broker.Engine.DismissAll(_broker.Now);
        _broker.Settle();

        client.ExpectClosed();
    }

    private TestLink Lasting(string clientId, ProtocolVersion version) => version == ProtocolVersion.V311
        ? _broker.ConnectV311(clientId, cleanSession: false)
        : _broker.Connect(clientId, connect => connect with { SessionExpiryInterval = 1000 });

    private TestLink Open()
    {
        var client = _broker.Open();
        client.Version = ProtocolVersion.V311;
        return client;
    }

    private static void ExpectReturnCode(TestLink client, byte code)
    {
        Assert.Equal<byte>([0x20, 2, 0, code], client.Received.ToArray());
        Assert.True(client.SendingEnded);
    }
}
