using System.Buffers;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Packets;

/// <summary>What the broker does for every message allocates nothing.</summary>
public sealed class AllocationTests
{
    private static readonly byte[] Request = Hex.Bytes(
        "32 2D  0003't/1' 0001  22  23 0007  02 0000000A  08 0003'r/1'  09 0004 00010203  26 0003'key' 0005'value'  'by' 01");

    private static readonly byte[] Ack = Hex.Bytes("40 0B  1234 10 07  26 0001'k' 0001'v'");

    private readonly ArrayBufferWriter<byte> _output = new(65_536);

    [Fact]
    public void Decoding_a_PUBLISH_allocates_nothing() => AllocatesNothing(() =>
    {
        var frame = ReadFrame(Request);
        Assert.True(PublishView.TryDecode(frame, ProtocolVersion.V5, out var view, out _));
        Assert.True(view.TryGetUserProperty("key"u8, out _));
    });

    [Fact]
    public void Forwarding_a_PUBLISH_allocates_nothing()
    {
        uint[] identifiers = [1, 200];
        AllocatesNothing(() =>
        {
            Assert.True(PublishView.TryDecode(ReadFrame(Request), ProtocolVersion.V5, out var view, out _));
            var delivery = new Delivery
            {
                QoS = QualityOfService.AtLeastOnce,
                PacketIdentifier = new PacketIdentifier(5),
                RemainingExpiry = 9,
                SubscriptionIdentifiers = identifiers,
            };
            PublishEncoder.Write(_output, view, delivery, ProtocolVersion.V5);
            PublishEncoder.Write(_output, view, delivery, ProtocolVersion.V311);
            PublishEncoder.WriteUpToPayload(_output, view, delivery, ProtocolVersion.V5);
            _output.ResetWrittenCount();
        });
    }

    [Fact]
    public void Reading_an_acknowledgement_allocates_nothing() => AllocatesNothing(() =>
        Assert.True(AcknowledgementPacket.TryRead(ReadFrame(Ack), ProtocolVersion.V5, out _, out _, out _)));

    [Fact]
    public void Writing_an_acknowledgement_allocates_nothing() => AllocatesNothing(() =>
    {
        var identifier = new PacketIdentifier(1);
        AcknowledgementPacket.Write(_output, PacketType.PubAck, identifier, ReasonCode.NoMatchingSubscribers, ProtocolVersion.V5);
        AcknowledgementPacket.Write(_output, PacketType.PubRel, identifier, ReasonCode.Success, ProtocolVersion.V5);
        _output.ResetWrittenCount();
    });

    [Fact]
    public void Topic_Aliases_allocate_nothing_though_topics_displace_each_other()
    {
        byte[][] topics = ["topic/number/1"u8.ToArray(), "topic/2"u8.ToArray(), "topic/number/three"u8.ToArray()];
        var kept = Hex.Bytes("32 09  0005'topic' 1234  00");
        var outgoing = new OutgoingAliases(seed: 42, maximum: 1);
        var incoming = new IncomingAliases(1, "MQTT-3.3.2-9");
        AllocatesNothing(() =>
        {
            foreach (var topic in topics)
            {
                for (var i = 0; i < 3; i++)
                {
                    var alias = outgoing.Find(topic, out var isKnown);
                    if (alias != 0 && !isKnown)
                    {
                        outgoing.Teach(alias, topic);
                    }

                    var view = new PublishView { Topic = isKnown ? [] : topic, TopicAlias = alias == 0 ? null : alias };
                    Assert.False(incoming.Resolve(ref view).Exists);
                    Assert.True(view.Topic.SequenceEqual(topic));
                }
            }

            PublishEncoder.WriteWithAlias(_output, kept, topicOffset: 4, topicLength: 5, 1, aliasIsKnown: false);
            _output.ResetWrittenCount();
        });
    }

    private static Antiphon.Protocol.Wire.Frame ReadFrame(byte[] bytes)
    {
        Antiphon.Protocol.Wire.FrameReader.TryRead(bytes, uint.MaxValue, out var frame, out _);
        return frame;
    }

    private static void AllocatesNothing(Action operation)
    {
        for (var warmUp = 0; warmUp < 100; warmUp++)
        {
            operation();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            operation();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
