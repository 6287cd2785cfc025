using System.Buffers;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Packets;
using FsCheck;
using FsCheck.Fluent;

namespace Antiphon.Protocol.Tests.Generated;

public sealed class ForwardingTests
{
    private const uint RemainingExpiry = 77;

    // A fixed seed, so that a run that passes here passes everywhere.
    private static readonly Config Fixed = Config.QuickThrowOnFailure.WithMaxTest(1000).WithReplay(20_260_102UL, 1_000_003UL);

    [Fact]
    public void What_is_forwarded_is_the_message_in_a_delivery_of_its_own() => Prop
        .ForAll(PacketGenerators.AnyPublish.ToArbitrary(), packet =>
        {
            var incoming = (PublishPacket)packet;
            uint[] identifiers = [3, 300];
            var expected = incoming with
            {
                Message = incoming.Message with
                {
                    QoS = QualityOfService.AtLeastOnce,
                    Retain = false,
                    MessageExpiryInterval = incoming.Message.MessageExpiryInterval is null ? null : RemainingExpiry,
                },
                PacketIdentifier = new PacketIdentifier(0xABCD),
                Dup = true,
                TopicAlias = null,
                SubscriptionIdentifiers = [.. identifiers, .. incoming.SubscriptionIdentifiers],
            };

            var frame = ByteCase.Frame(ByteCase.Write(incoming, ProtocolVersion.V5));
            Assert.True(PublishView.TryDecode(frame, ProtocolVersion.V5, out var view, out _));
            var delivery = new Delivery
            {
                QoS = QualityOfService.AtLeastOnce,
                Dup = true,
                PacketIdentifier = new PacketIdentifier(0xABCD),
                RemainingExpiry = RemainingExpiry,
                SubscriptionIdentifiers = identifiers,
            };
            var output = new ArrayBufferWriter<byte>();
            PublishEncoder.Write(output, view, delivery, ProtocolVersion.V5);
            Assert.Equal(output.WrittenCount, PublishEncoder.SizeOf(view, delivery, ProtocolVersion.V5));
            Assert.Equal(PacketText.Of(expected), PacketText.Of(ByteCase.Accept(output.WrittenSpan.ToArray(), ProtocolVersion.V5)));
        })
        .Check(Fixed);
}
