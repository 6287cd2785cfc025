using System.Text;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Connections;

public sealed class HandshakeTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.4-5")]
    [Trait("Label", "MQTT-3.1.2-6")]
    [Trait("Label", "MQTT-3.2.2-22")]
    public void CONNECT_with_every_field_is_accepted_and_CONNACK_says_every_limit()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { ReceiveMaximum = 7, MaximumPacketSize = 5000 });

        var client = broker.Connect("every-field", connect => connect with
        {
            KeepAlive = 30,
            SessionExpiryInterval = 60,
            ReceiveMaximum = 5,
            MaximumPacketSize = 1000,
            TopicAliasMaximum = 9,
            RequestProblemInformation = false,
            RequestResponseInformation = true,
            UserProperties = [new UserProperty("a", "b"), new UserProperty("a", "c")],
            UserName = "somebody",
            Password = new byte[] { 1, 2, 3 },
            Will = new Will(new ApplicationMessage
            {
                Topic = "will",
                QoS = QualityOfService.AtLeastOnce,
                Payload = "gone"u8.ToArray(),
                ContentType = "text/plain",
                CorrelationData = new byte[] { 9 },
                MessageExpiryInterval = 5,
                PayloadIsUtf8 = true,
                ResponseTopic = "answers",
                UserProperties = [new UserProperty("x", "y")],
            })
            {
                DelayInterval = 3,
            },
        });

        Assert.False(client.ConnAck.SessionPresent);
        Assert.Equal((ushort)7, client.ConnAck.ReceiveMaximum);
        Assert.Equal(5000u, client.ConnAck.MaximumPacketSize);
        Assert.Null(client.ConnAck.MaximumQoS);
        Assert.Null(client.ConnAck.RetainAvailable);
        Assert.Null(client.ConnAck.AssignedClientIdentifier);
        Assert.Null(client.ConnAck.ServerKeepAlive);
        Assert.Null(client.ConnAck.SessionExpiryInterval);
        Assert.Equal(broker.Options.TopicAliasMaximum, client.ConnAck.TopicAliasMaximum);
        Assert.StartsWith("$reply/", client.ConnAck.ResponseInformation, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-6")]
    [Trait("Label", "MQTT-3.1.3-7")]
    [Trait("Label", "MQTT-3.2.2-16")]
    public void Clients_without_an_identifier_are_each_assigned_one_that_is_theirs_from_then_on()
    {
        var broker = new HandTurnedBroker();

        var first = broker.Connect("", connect => connect with { SessionExpiryInterval = 100 });
        var second = broker.Connect("");

        Assert.NotNull(first.ConnAck.AssignedClientIdentifier);
        Assert.NotEqual(first.ConnAck.AssignedClientIdentifier, second.ConnAck.AssignedClientIdentifier);
        first.Lose();
        Assert.True(broker.Connect(first.ConnAck.AssignedClientIdentifier).ConnAck.SessionPresent);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-5")]
    public void Every_identifier_of_letters_and_digits_is_accepted()
    {
        var broker = new HandTurnedBroker();

        broker.Connect("a");
        broker.Connect("0123456789abcdefghijklm");
        broker.Connect("nopqrstuvwxyzABCDEFGHIJ");
        broker.Connect("KLMNOPQRSTUVWXYZ");
        broker.Connect(new string('x', 65_535));

        Assert.Equal(5, broker.Counters.Sessions);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-28")]
    public void Response_Information_is_only_for_those_who_ask()
    {
        var broker = new HandTurnedBroker();

        Assert.Null(broker.Connect("a").ConnAck.ResponseInformation);
        Assert.Null(broker.Connect("b", connect => connect with { RequestResponseInformation = false }).ConnAck.ResponseInformation);
        Assert.NotNull(broker.Connect("c", connect => connect with { RequestResponseInformation = true }).ConnAck.ResponseInformation);
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.2-2")]
    [Trait("Label", "MQTT-3.2.2-6")]
    [Trait("Label", "MQTT-3.2.2-7")]
    [InlineData("MQTT", 6)]
    [InlineData("MQTT", 3)]
    [InlineData("MQTT", 0)]
    [InlineData("MQTT", 0x85)]
    [InlineData("MQTT", 0xFF)]
    [InlineData("MQIsdp", 3)]
    [InlineData("MQIsdp", 0x83)]
    public void A_protocol_level_that_is_not_spoken_is_refused_in_the_words_of_MQTT_3_1_1(string name, byte level)
    {
        var client = new HandTurnedBroker().Open();
        byte[] body = [0, (byte)name.Length, .. System.Text.Encoding.UTF8.GetBytes(name), level, 2, 0, 60, 0, 0, 1, (byte)'x'];

        client.Send([0x10, (byte)body.Length, .. body]);

        Assert.Equal<byte>([0x20, 2, 0, 1], client.Received.ToArray());
        Assert.True(client.SendingEnded);
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.0-1")]
    [Trait("Label", "MQTT-3.1.2-1")]
    [InlineData("474554202F20485454502F312E310D0A0D0A")] // GET / HTTP/1.1
    [InlineData("100E00044D51545A0502003C0000 0178")] // CONNECT of a protocol named MQTZ
    [InlineData("C000")] // PINGREQ
    [InlineData("3005000161 0078")] // PUBLISH
    [InlineData("8206000100 000161 00")] // SUBSCRIBE, flags 2
    [InlineData("E000")] // DISCONNECT
    [InlineData("F000")] // AUTH
    [InlineData("00")] // packet type 0
    [InlineData("30")] // the first byte of PUBLISH: the rest is not waited for
    public void Whoever_does_not_begin_with_CONNECT_is_closed_without_a_word(string hex)
    {
        var broker = new HandTurnedBroker();
        var client = broker.Open();

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        client.ExpectClosed();
        Assert.True(client.Received.IsEmpty);
        Assert.Equal(1, broker.Counters.Refusals);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.0-2")]
    public void A_second_CONNECT_is_a_protocol_error()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("twice");

        client.Send(new ConnectPacket { ClientId = "twice" });

        client.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-1")]
    [Trait("Label", "MQTT-3.1.4-2")]
    public void An_Authentication_Method_is_refused_with_0x8C()
    {
        ExpectRefusal(connect => connect with { AuthenticationMethod = "SCRAM-SHA-256" }, ReasonCode.BadAuthenticationMethod);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+")]
    [InlineData("#")]
    public void A_Will_to_no_Topic_Name_is_refused(string topic)
    {
        var client = new HandTurnedBroker().Open();

        // The encoder refuses to write such a Will, so one of another topic is bent.
        var connect = TestLink.Bytes(new ConnectPacket { ClientId = "w", Will = new Will(TestLink.Message("abc")) });
        var place = connect.AsSpan().IndexOf("abc"u8);
        client.Send(
        [
            .. connect[..1],
            (byte)(connect[1] - 3 + topic.Length),
            .. connect[2..(place - 1)],
            (byte)topic.Length,
            .. Encoding.UTF8.GetBytes(topic),
            .. connect[(place + 3)..],
        ]);

        var answer = client.Next<ConnAckPacket>();
        Assert.True(
            answer.ReasonCode is ReasonCode.TopicNameInvalid or ReasonCode.ProtocolError or ReasonCode.MalformedPacket,
            $"{answer.ReasonCode}");
        client.ExpectClosed();
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.4-1")]
    [InlineData("1F", ReasonCode.MalformedPacket)] // flags of the fixed header [MQTT-2.1.3-1]
    [InlineData("10 0E 0004 4D515454 05 03 003C 00 0001 78", ReasonCode.MalformedPacket)] // reserved Connect Flag [MQTT-3.1.2-3]
    [InlineData("10 0E 0004 4D515454 05 18 003C 00 0001 78", ReasonCode.MalformedPacket)] // Will QoS without a Will [MQTT-3.1.2-11]
    [InlineData("10 0E 0004 4D515454 05 1C 003C 00 0001 78", ReasonCode.MalformedPacket)] // Will QoS 3 [MQTT-3.1.2-12]
    [InlineData("10 0E 0004 4D515454 05 20 003C 00 0001 78", ReasonCode.MalformedPacket)] // Will Retain without a Will [MQTT-3.1.2-13]
    [InlineData("10 0E 0004 4D515454 05 80 003C 00 0001 78", ReasonCode.MalformedPacket)] // user name missing [MQTT-3.1.2-17]
    [InlineData("10 0E 0004 4D515454 05 40 003C 00 0001 78", ReasonCode.MalformedPacket)] // password missing [MQTT-3.1.2-19]
    [InlineData("10 0F 0004 4D515454 05 02 003C 00 0001 78 00", ReasonCode.MalformedPacket)] // a byte too many
    [InlineData("10 0E 0004 4D515454 05 02 003C 00 0001 FF", ReasonCode.MalformedPacket)] // bad UTF-8 [MQTT-1.5.4-1]
    [InlineData("10 0E 0004 4D515454 05 02 003C 00 0001 00", ReasonCode.MalformedPacket)] // U+0000 [MQTT-1.5.4-2]
    [InlineData("10 11 0004 4D515454 05 02 003C 03 21 0000 0001 78", ReasonCode.ProtocolError)] // Receive Maximum 0
    [InlineData("10 13 0004 4D515454 05 02 003C 05 27 00000000 0001 78", ReasonCode.ProtocolError)] // Maximum Packet Size 0
    [InlineData("10 12 0004 4D515454 05 02 003C 04 1901 1901 0001 78", ReasonCode.ProtocolError)] // a property twice
    [InlineData("10 10 0004 4D515454 05 02 003C 02 1902 0001 78", ReasonCode.ProtocolError)] // Request Response Information 2
    [InlineData("10 10 0004 4D515454 05 02 003C 02 0101 0001 78", ReasonCode.MalformedPacket)] // a property of PUBLISH
    [InlineData("10 FFFFFFFF", ReasonCode.MalformedPacket)] // Remaining Length of five bytes
    [InlineData("10 FFFFFF7F", ReasonCode.PacketTooLarge)]
    public void A_bad_CONNECT_is_refused_with_its_reason_and_closed(string hex, ReasonCode code)
    {
        var client = new HandTurnedBroker().Open();

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        ExpectRefusal(client, code);
    }

    [Theory]
    [InlineData("11 0D 0004 4D515454 04 02 003C 0001 78")] // flags of the fixed header
    [InlineData("10 FFFFFF7F 0004 4D515454 04 02 003C 0001 78")] // larger than the Maximum Packet Size
    public void A_CONNECT_of_3_1_1_that_goes_wrong_in_its_fixed_header_is_closed_without_a_CONNACK_of_5(string hex)
    {
        var client = new HandTurnedBroker().Open();

        client.Send(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        client.ExpectClosed();
    }

    [Fact]
    public void Silence_instead_of_CONNECT_is_closed_after_the_timeout()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        var silent = broker.Open();
        var dribbling = broker.Open();

        for (var i = 0; i < 9; i++)
        {
            broker.TurnSeconds(1);
            dribbling.Send([.. "\x10\x20\0\x04MQTT\x05"u8.Slice(i, 1)]);
        }

        Assert.False(silent.Aborted);
        broker.TurnSeconds(1.1);
        Assert.True(silent.Aborted);
        Assert.True(dribbling.Aborted);
        Assert.Equal(0, broker.Counters.Connections);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.4-6")]
    public void After_a_refused_CONNECT_nothing_else_is_done()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "#");
        var client = broker.Open();

        client.Send(new ConnectPacket { AuthenticationMethod = "x" }, new PublishPacket(TestLink.Message("a", "unseen")));

        ExpectRefusal(client, ReasonCode.BadAuthenticationMethod);
        listener.ExpectNothing();
    }

    [Fact]
    public void What_comes_with_CONNECT_in_one_read_is_done_after_it()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "eager" }, PingReqPacket.Instance);

        Assert.Equal(ReasonCode.Success, client.Next<ConnAckPacket>().ReasonCode);
        client.Next<PingRespPacket>();
    }

    private static void ExpectRefusal(Func<ConnectPacket, ConnectPacket> with, ReasonCode code)
    {
        var client = new HandTurnedBroker().Open();
        client.Send(with(new ConnectPacket { ClientId = "refused" }));
        ExpectRefusal(client, code);
    }

    private static void ExpectRefusal(TestLink client, ReasonCode code)
    {
        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(code, answer.ReasonCode);
        Assert.False(answer.SessionPresent);
        Assert.False(string.IsNullOrEmpty(answer.ReasonString));
        client.ExpectClosed();
        Assert.Equal(ConnectionPhase.Closing, client.Connection.Phase);
    }
}
