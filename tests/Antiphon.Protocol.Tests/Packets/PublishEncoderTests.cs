using System.Buffers;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class PublishEncoderTests
{
    private const string Alias = "23 0007";
    private const string Expiry = "02 00000064";
    private const string First = "26 0001'b' 0001'1'";
    private const string Second = "26 0001'a' 0001'2'";
    private const string Response = "08 0003'r/1' 09 0002 AABB";

    public static TheoryData<string, string, string, string, string> Orders
    {
        get
        {
            var orders = new TheoryData<string, string, string, string, string>();
            foreach (var order in Permutations([Alias, Expiry, First, Second, Response]))
            {
                orders.Add(order[0], order[1], order[2], order[3], order[4]);
            }

            return orders;
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    [Trait("Label", "MQTT-3.3.2-4")]
    [Trait("Label", "MQTT-3.3.2-6")]
    [Trait("Label", "MQTT-3.3.2-7")]
    [Trait("Label", "MQTT-3.3.2-15")]
    [Trait("Label", "MQTT-3.3.2-16")]
    [Trait("Label", "MQTT-3.3.2-17")]
    [Trait("Label", "MQTT-3.3.2-18")]
    [Trait("Label", "MQTT-3.3.2-20")]
    public void The_alias_goes_the_expiry_is_what_remains_and_all_else_stays_in_its_order(string a, string b, string c, string d, string e)
    {
        string[] order = [a, b, c, d, e];
        var expected = string.Join(' ', order)
            .Replace(Alias, "", StringComparison.Ordinal)
            .Replace(Expiry, "02 00000063", StringComparison.Ordinal);
        var forwarded = Forward(
            Publish(string.Join(' ', order), "'payload'"),
            new Delivery { QoS = QualityOfService.AtMostOnce, RemainingExpiry = 99 });
        Assert.Equal(Hex.Text(Publish(expected, "'payload'")), Hex.Text(forwarded));
    }

    [Theory]
    [InlineData("")]
    [InlineData(Alias)]
    [InlineData(Expiry)]
    [InlineData(First)]
    public void One_property_or_none_is_enough(string property) => Assert.Equal(
        Hex.Text(Publish(property.Replace(Alias, "", StringComparison.Ordinal).Replace("64", "05", StringComparison.Ordinal), "")),
        Hex.Text(Forward(Publish(property, ""), new Delivery { RemainingExpiry = 5 })));

    [Fact]
    [Trait("Label", "MQTT-3.3.4-3")]
    [Trait("Label", "MQTT-3.3.4-4")]
    public void Subscription_Identifiers_stand_first()
    {
        uint[] identifiers = [1, 127, 128, 268_435_455];
        var forwarded = Forward(Publish(Alias + First, "'p'"), new Delivery { SubscriptionIdentifiers = identifiers });
        Assert.Equal(Hex.Text(Publish($"0B 01 0B 7F 0B 8001 0B FFFFFF7F {First}", "'p'")), Hex.Text(forwarded));
    }

    [Fact]
    public void A_Topic_Alias_of_the_receivers_connection_is_taught_and_then_stands_alone()
    {
        uint[] identifiers = [5];
        var incoming = Publish(Alias + Expiry + First, "'p'");
        Assert.Equal(
            Hex.Text(Publish($"23 0003 0B 05 02 00000009 {First}", "'p'")),
            Hex.Text(Forward(incoming, new Delivery { TopicAlias = 3, RemainingExpiry = 9, SubscriptionIdentifiers = identifiers })));
        Assert.Equal(
            "30 07 00 00 03 23 FF FF 70",
            Spaced(Forward(Publish("", "'p'"), new Delivery { TopicAlias = ushort.MaxValue, AliasIsKnown = true })));
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-3")]
    public void The_flags_are_those_of_the_delivery_and_not_of_what_came_in()
    {
        var incoming = Hex.Bytes("3D 08  0001't' 0001 00 'hi'");
        Assert.Equal("30 06 00 01 74 00 68 69", Spaced(Forward(incoming, new Delivery())));
        Assert.Equal("3B 08 00 01 74 12 34 00 68 69", Spaced(Forward(incoming, new Delivery
        {
            QoS = QualityOfService.AtLeastOnce,
            Dup = true,
            Retain = true,
            PacketIdentifier = new PacketIdentifier(0x1234),
        })));
    }

    [Fact]
    public void A_receiver_of_MQTT_3_1_1_gets_no_properties()
    {
        uint[] identifiers = [5];
        var delivery = new Delivery
        {
            QoS = QualityOfService.AtLeastOnce,
            PacketIdentifier = new(2),
            RemainingExpiry = 1,
            SubscriptionIdentifiers = identifiers,
        };
        Assert.Equal(
            "32 07 00 01 74 00 02 68 69",
            Spaced(Forward(Publish(Alias + Expiry + First, "'hi'"), delivery, ProtocolVersion.V311)));
    }

    [Fact]
    public void A_message_of_MQTT_3_1_1_reaches_a_receiver_of_MQTT_5()
    {
        var frame = ByteCase.Frame(Hex.Bytes("30 05 0001't' 'hi'"));
        Assert.True(PublishView.TryDecode(frame, ProtocolVersion.V311, out var view, out _));
        Assert.Equal("30 06 00 01 74 00 68 69", Spaced(Write(view, new Delivery(), ProtocolVersion.V5)));
    }

    [Fact]
    public void A_message_put_together_by_hand_keeps_all_its_properties()
    {
        var view = new PublishView { Topic = "t"u8, Payload = "hi"u8, Properties = Hex.Bytes(First) };
        Assert.Equal(Hex.Text(Publish(First, "'hi'")), Hex.Text(Write(view, new Delivery(), ProtocolVersion.V5)));
        Assert.Equal(
            "30 06 00 01 74 00 68 69",
            Spaced(Write(new PublishView { Topic = "t"u8, Payload = "hi"u8 }, new Delivery(), ProtocolVersion.V5)));
    }

    [Theory]
    [InlineData(123)]
    [InlineData(124)]
    [InlineData(16_379)]
    [InlineData(16_380)]
    [InlineData(2_097_147)]
    [InlineData(2_097_148)]
    public void The_size_is_right_at_the_borders_of_the_Remaining_Length(int payload)
    {
        var view = new PublishView { Topic = "t"u8, Payload = new byte[payload] };
        var bytes = Write(view, new Delivery(), ProtocolVersion.V5);
        Assert.Equal(payload, ((PublishPacket)ByteCase.Accept(bytes, ProtocolVersion.V5)).Message.Payload.Length);
    }

    [Theory]
    [InlineData(false, "32 11  0005'topic' 1234  05 02 00000007  'xy'", "32 14  0005'topic' 1234  08 23 0009 02 00000007  'xy'")]
    [InlineData(true, "3D 0A  0005'topic' 1234  00", "3D 08  0000 1234  03 23 0009")]
    [InlineData(true, "31 08  0005'topic' 00", "31 06  0000 03 23 0009")]
    public void A_kept_packet_gets_an_alias_in_front_of_its_properties(bool aliasIsKnown, string kept, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        PublishEncoder.WriteWithAlias(output, Hex.Bytes(kept), topicOffset: 4, topicLength: 5, 9, aliasIsKnown);

        Assert.Equal(Hex.Text(Hex.Bytes(expected)), Hex.Text(output.WrittenSpan.ToArray()));
    }

    [Theory]
    [InlineData(0, 110)]
    [InlineData(115, 0)]
    [InlineData(10, 16_360)]
    [InlineData(16_370, 3)]
    [InlineData(5, 2_097_130)]
    public void A_kept_packet_with_an_alias_is_as_if_encoded_with_it_also_where_a_length_grows(int properties, int payload)
    {
        for (var more = 0; more < 20; more++)
        {
            foreach (var qos in Enum.GetValues<QualityOfService>())
            {
                var section = new ArrayBufferWriter<byte>();
                section.Write(new byte[] { 0x09, (byte)(properties + more >> 8), (byte)(properties + more) });
                section.Write(new byte[properties + more]);
                var view = new PublishView { Topic = "topic"u8, Properties = section.WrittenSpan, Payload = new byte[payload], QoS = qos };
                var identifier = qos == QualityOfService.AtMostOnce ? PacketIdentifier.None : new PacketIdentifier(7);
                var kept = Write(view, new Delivery { QoS = qos, PacketIdentifier = identifier }, ProtocolVersion.V5);
                var topicOffset = kept.AsSpan().IndexOf("topic"u8);
                foreach (var aliasIsKnown in new[] { false, true })
                {
                    var output = new ArrayBufferWriter<byte>();
                    PublishEncoder.WriteWithAlias(output, kept, topicOffset, topicLength: 5, 9, aliasIsKnown);
                    var expected = Write(
                        view,
                        new Delivery { QoS = qos, PacketIdentifier = identifier, TopicAlias = 9, AliasIsKnown = aliasIsKnown },
                        ProtocolVersion.V5);
                    Assert.True(
                        output.WrittenSpan.SequenceEqual(expected),
                        $"{properties + more} bytes of Correlation Data, {qos}, {aliasIsKnown}");
                }
            }
        }
    }

    private static byte[] Forward(byte[] incoming, in Delivery delivery, ProtocolVersion version = ProtocolVersion.V5)
    {
        Assert.True(PublishView.TryDecode(ByteCase.Frame(incoming), ProtocolVersion.V5, out var view, out var fault), fault.Message);
        return Write(view, delivery, version);
    }

    /// <summary>
    /// Writes the packet in one piece, and checks that its size is what was announced and
    /// that its beginning without the payload is the same.
    /// </summary>
    private static byte[] Write(in PublishView view, in Delivery delivery, ProtocolVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        PublishEncoder.Write(output, view, delivery, version);
        Assert.Equal(output.WrittenCount, PublishEncoder.SizeOf(view, delivery, version));

        var beginning = new ArrayBufferWriter<byte>();
        PublishEncoder.WriteUpToPayload(beginning, view, delivery, version);
        Assert.Equal(output.WrittenCount - view.Payload.Length, beginning.WrittenCount);
        Assert.True(output.WrittenSpan.StartsWith(beginning.WrittenSpan));
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A QoS 0 PUBLISH to «t» with these properties; all of it short enough for one length byte.</summary>
    private static byte[] Publish(string properties, string payload)
    {
        var section = Hex.Bytes(properties);
        byte[] body = [0, 1, (byte)'t', (byte)section.Length, .. section, .. Hex.Bytes(payload)];
        Assert.InRange(body.Length, 0, 127);
        return [0x30, (byte)body.Length, .. body];
    }

    private static string Spaced(byte[] bytes) => string.Join(' ', bytes.Select(one => $"{one:X2}"));

    private static IEnumerable<string[]> Permutations(string[] items) => items.Length == 0
        ? [[]]
        : items.SelectMany(first => Permutations([.. items.Where(item => item != first)]).Select(rest => (string[])[first, .. rest]));
}
