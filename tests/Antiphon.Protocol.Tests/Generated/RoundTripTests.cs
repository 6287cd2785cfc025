using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Packets;
using FsCheck;
using FsCheck.Fluent;

namespace Antiphon.Protocol.Tests.Generated;

public sealed class RoundTripTests
{
    // A fixed seed, so that a run that passes here passes everywhere.
    private static readonly Config Fixed = Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(20_260_101UL, 1_000_003UL);

    [Fact]
    public void What_is_written_for_MQTT_5_is_read_back_whole() => Prop
        .ForAll(PacketGenerators.AnyPacket.ToArbitrary(), packet =>
            Assert.Equal(
                PacketText.Of(packet),
                PacketText.Of(ByteCase.Accept(ByteCase.Write(packet, ProtocolVersion.V5), ProtocolVersion.V5))))
        .Check(Fixed);

    [Fact]
    public void What_is_written_for_MQTT_3_1_1_is_read_back_without_what_it_has_no_place_for() => Prop
        .ForAll(PacketGenerators.AnyPacket.Where(packet => packet is not AuthPacket).ToArbitrary(), packet =>
        {
            var older = OnlyWhatMqtt311Has(packet);
            var bytes = ByteCase.Write(packet is ConnectPacket ? older : packet, ProtocolVersion.V311);
            Assert.Equal(PacketText.Of(older), PacketText.Of(ByteCase.Accept(bytes, ProtocolVersion.V311)));
        })
        .Check(Fixed);

    private static Packet OnlyWhatMqtt311Has(Packet packet) => packet switch
    {
        ConnectPacket connect => new ConnectPacket
        {
            ProtocolVersion = ProtocolVersion.V311,
            ClientId = connect.ClientId,
            CleanStart = connect.CleanStart,
            KeepAlive = connect.KeepAlive,
            Will = connect.Will is null ? null : new Will(OnlyWhatMqtt311Has(connect.Will.Message)),
            UserName = connect.UserName,
            Password = connect.UserName is null ? null : connect.Password,
        },
        ConnAckPacket connAck => new ConnAckPacket
        {
            SessionPresent = connAck.SessionPresent,
            ReasonCode = ClosestReturnCode(connAck.ReasonCode),
        },
        PublishPacket publish => new PublishPacket(OnlyWhatMqtt311Has(publish.Message))
        {
            PacketIdentifier = publish.PacketIdentifier,
            Dup = publish.Dup,
        },
        AcknowledgementPacket acknowledgement => new AcknowledgementPacket(acknowledgement.Type, acknowledgement.PacketIdentifier),
        SubscribePacket subscribe => new SubscribePacket
        {
            PacketIdentifier = subscribe.PacketIdentifier,
            Subscriptions =
                [.. subscribe.Subscriptions.Select(one => new RequestedSubscription(one.TopicFilter, new(one.Options.MaximumQoS)))],
        },
        SubAckPacket subAck => new SubAckPacket
        {
            PacketIdentifier = subAck.PacketIdentifier,
            ReasonCodes = [.. subAck.ReasonCodes.Select(code => code < ReasonCode.UnspecifiedError ? code : ReasonCode.UnspecifiedError)],
        },
        UnsubscribePacket unsubscribe => new UnsubscribePacket
        {
            PacketIdentifier = unsubscribe.PacketIdentifier,
            TopicFilters = unsubscribe.TopicFilters,
        },
        UnsubAckPacket unsubAck => new UnsubAckPacket { PacketIdentifier = unsubAck.PacketIdentifier, ReasonCodes = [] },
        DisconnectPacket => new DisconnectPacket(),
        _ => packet,
    };

    private static ApplicationMessage OnlyWhatMqtt311Has(ApplicationMessage message) =>
        new() { Topic = message.Topic, Payload = message.Payload, QoS = message.QoS, Retain = message.Retain };

    private static ReasonCode ClosestReturnCode(ReasonCode code) => code switch
    {
        ReasonCode.Success or ReasonCode.UnsupportedProtocolVersion or ReasonCode.ClientIdentifierNotValid
            or ReasonCode.BadUserNameOrPassword or ReasonCode.NotAuthorized => code,
        ReasonCode.Banned or ReasonCode.BadAuthenticationMethod => ReasonCode.NotAuthorized,
        _ => ReasonCode.ServerUnavailable,
    };
}
