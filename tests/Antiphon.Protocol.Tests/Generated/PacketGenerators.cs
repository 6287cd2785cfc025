using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using FsCheck;
using FsCheck.Fluent;

namespace Antiphon.Protocol.Tests.Generated;

/// <summary>Packets made up by FsCheck: every field and property present or absent, numbers often at their borders.</summary>
internal static class PacketGenerators
{
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Elements("", "a", "a/b", "€uro", "\U0001F600", "\uFEFF", new string('x', 300)),
        Gen.Choose(1, 0xD7FF).Select(c => (char)c).ListOf().Select(characters => string.Concat(characters.Take(20))));

    private static readonly Gen<string> Topic = Text.Select(text => "t" + text.Replace('+', '-').Replace('#', '-'));

    private static readonly Gen<ReadOnlyMemory<byte>> Bytes =
        Gen.Choose(0, 255).Select(b => (byte)b).ListOf().Select(list => (ReadOnlyMemory<byte>)list.ToArray());

    private static readonly Gen<ushort> UInt16 =
        Gen.OneOf(Gen.Elements(0, 1, 255, 256, 65_534, 65_535), Gen.Choose(0, 65_535)).Select(n => (ushort)n);

    private static readonly Gen<ushort> NotZero = UInt16.Select(n => Math.Max(n, (ushort)1));

    private static readonly Gen<uint> UInt32 =
        Gen.OneOf(Gen.Elements(0u, 1u, 65_536u, uint.MaxValue), Gen.Choose(0, int.MaxValue).Select(n => (uint)n));

    private static readonly Gen<uint> SubscriptionIdentifier =
        Gen.Elements(1u, 127u, 128u, 16_383u, 16_384u, 2_097_151u, 2_097_152u, 268_435_455u);

    private static readonly Gen<bool> Flag = Gen.Elements(false, true);

    private static readonly Gen<PacketIdentifier> Identifier = NotZero.Select(n => new PacketIdentifier(n));

    private static readonly Gen<QualityOfService> QoS = Gen.Elements(Enum.GetValues<QualityOfService>());

    private static readonly Gen<IReadOnlyList<UserProperty>> UserProperties =
        Text.SelectMany(_ => Text, (name, value) => new UserProperty(name, value))
            .ListOf()
            .Select(list => (IReadOnlyList<UserProperty>)[.. list.Take(5)]);

    private static readonly Gen<ApplicationMessage> Message =
        from topic in Topic
        from payload in Bytes
        from qos in QoS
        from retain in Flag
        from utf8 in Maybe(Flag)
        from expiry in Maybe(UInt32)
        from type in MaybeText(Text)
        from response in MaybeText(Topic)
        from correlation in Maybe(Bytes)
        from user in UserProperties
        select new ApplicationMessage
        {
            Topic = topic,
            Payload = payload,
            QoS = qos,
            Retain = retain,
            PayloadIsUtf8 = utf8,
            MessageExpiryInterval = expiry,
            ContentType = type,
            ResponseTopic = response,
            CorrelationData = correlation,
            UserProperties = user,
        };

    private static readonly Gen<Packet> Publish =
        from message in Message
        from identifier in Identifier
        from dup in Flag
        from alias in Maybe(NotZero)
        from subscriptions in SubscriptionIdentifier.ListOf()
        select (Packet)new PublishPacket(message)
        {
            PacketIdentifier = message.QoS == QualityOfService.AtMostOnce ? PacketIdentifier.None : identifier,
            Dup = dup && message.QoS != QualityOfService.AtMostOnce,
            TopicAlias = alias,
            SubscriptionIdentifiers = [.. subscriptions.Take(4)],
        };

    private static readonly Gen<Will> Will =
        from message in Message
        from delay in Maybe(UInt32)
        select new Will(message) { DelayInterval = delay };

    private static readonly Gen<Packet> Connect =
        from client in Text
        from clean in Flag
        from keepAlive in UInt16
        from expiry in Maybe(UInt32)
        from receive in Maybe(NotZero)
        from size in Maybe(UInt32)
        from alias in Maybe(UInt16)
        from response in Maybe(Flag)
        from problem in Maybe(Flag)
        from method in MaybeText(Text)
        from data in Maybe(Bytes)
        from user in UserProperties
        from will in MaybeText(Will)
        from name in MaybeText(Text)
        from password in Maybe(Bytes)
        select (Packet)new ConnectPacket
        {
            ClientId = client,
            CleanStart = clean,
            KeepAlive = keepAlive,
            SessionExpiryInterval = expiry,
            ReceiveMaximum = receive,
            MaximumPacketSize = size is 0 ? 1 : size,
            TopicAliasMaximum = alias,
            RequestResponseInformation = response,
            RequestProblemInformation = problem,
            AuthenticationMethod = method,
            AuthenticationData = method is null ? null : data,
            UserProperties = user,
            Will = will,
            UserName = name,
            Password = password,
        };

    private static readonly Gen<Packet> ConnAck =
        from present in Flag
        from code in Code(PacketType.ConnAck)
        from expiry in Maybe(UInt32)
        from receive in Maybe(NotZero)
        from available in Maybe(Flag)
        from assigned in MaybeText(Text)
        from reason in MaybeText(Text)
        from keepAlive in Maybe(UInt16)
        from information in MaybeText(Text)
        from method in MaybeText(Text)
        from user in UserProperties
        select (Packet)new ConnAckPacket
        {
            SessionPresent = present,
            ReasonCode = code,
            SessionExpiryInterval = expiry,
            ReceiveMaximum = receive,
            MaximumQoS = available is null ? null : available.Value ? QualityOfService.AtLeastOnce : QualityOfService.AtMostOnce,
            RetainAvailable = available,
            MaximumPacketSize = receive,
            AssignedClientIdentifier = assigned,
            TopicAliasMaximum = keepAlive,
            ReasonString = reason,
            WildcardSubscriptionAvailable = available,
            SubscriptionIdentifierAvailable = available,
            SharedSubscriptionAvailable = available,
            ServerKeepAlive = keepAlive,
            ResponseInformation = information,
            ServerReference = information,
            AuthenticationMethod = method,
            AuthenticationData = method is null ? null : (ReadOnlyMemory<byte>?)new byte[] { 1 },
            UserProperties = user,
        };

    private static readonly Gen<Packet> Acknowledgement =
        from type in Gen.Elements(PacketType.PubAck, PacketType.PubRec, PacketType.PubRel, PacketType.PubComp)
        from identifier in Identifier
        from code in Code(type)
        from reason in MaybeText(Text)
        from user in UserProperties
        select (Packet)new AcknowledgementPacket(type, identifier, code) { ReasonString = reason, UserProperties = user };

    private static readonly Gen<Packet> Subscribe =
        from identifier in Identifier
        from number in Maybe(SubscriptionIdentifier)
        from user in UserProperties
        from filters in Topic.NonEmptyListOf()
        from qos in QoS
        from noLocal in Flag
        from handling in Gen.Elements(Enum.GetValues<RetainHandling>())
        select (Packet)new SubscribePacket
        {
            PacketIdentifier = identifier,
            SubscriptionIdentifier = number,
            UserProperties = user,
            Subscriptions = [.. filters.Take(5).Select(filter => new RequestedSubscription(filter, new(qos, noLocal, !noLocal, handling)))],
        };

    private static readonly Gen<Packet> Unsubscribe =
        from identifier in Identifier
        from user in UserProperties
        from filters in Topic.NonEmptyListOf()
        select (Packet)new UnsubscribePacket { PacketIdentifier = identifier, UserProperties = user, TopicFilters = [.. filters.Take(5)] };

    private static readonly Gen<Packet> SubAck =
        from identifier in Identifier
        from reason in MaybeText(Text)
        from user in UserProperties
        from codes in Code(PacketType.SubAck).NonEmptyListOf()
        select (Packet)new SubAckPacket
        {
            PacketIdentifier = identifier,
            ReasonString = reason,
            UserProperties = user,
            ReasonCodes = [.. codes],
        };

    private static readonly Gen<Packet> UnsubAck =
        from identifier in Identifier
        from reason in MaybeText(Text)
        from user in UserProperties
        from codes in Code(PacketType.UnsubAck).NonEmptyListOf()
        select (Packet)new UnsubAckPacket
        {
            PacketIdentifier = identifier,
            ReasonString = reason,
            UserProperties = user,
            ReasonCodes = [.. codes],
        };

    private static readonly Gen<Packet> Disconnect =
        from code in Code(PacketType.Disconnect)
        from expiry in Maybe(UInt32)
        from reason in MaybeText(Text)
        from server in MaybeText(Text)
        from user in UserProperties
        select (Packet)new DisconnectPacket
        {
            ReasonCode = code,
            SessionExpiryInterval = expiry,
            ReasonString = reason,
            ServerReference = server,
            UserProperties = user,
        };

    private static readonly Gen<Packet> Auth =
        from code in Code(PacketType.Auth)
        from method in Text
        from data in Maybe(Bytes)
        from reason in MaybeText(Text)
        from user in UserProperties
        select (Packet)new AuthPacket
        {
            ReasonCode = code,
            AuthenticationMethod = method,
            AuthenticationData = data,
            ReasonString = reason,
            UserProperties = user,
        };

    private static readonly Gen<Packet> Ping = Gen.Elements<Packet>(PingReqPacket.Instance, PingRespPacket.Instance);

    /// <summary>Any packet of MQTT 5.</summary>
    public static Gen<Packet> AnyPacket { get; } = Gen.OneOf(
        Connect, ConnAck, Publish, Acknowledgement, Subscribe, SubAck, Unsubscribe, UnsubAck, Ping, Disconnect, Auth);

    /// <summary>Any PUBLISH of MQTT 5.</summary>
    public static Gen<Packet> AnyPublish { get; } = Publish;

    private static Gen<ReasonCode> Code(PacketType type) =>
        Gen.Elements(Enum.GetValues<ReasonCode>().Where(code => ReasonCodes.IsAllowed(type, code)).ToArray());

    private static Gen<T?> Maybe<T>(Gen<T> gen)
        where T : struct => Gen.OneOf(Gen.Constant<T?>(null), gen.Select(value => (T?)value));

    private static Gen<T?> MaybeText<T>(Gen<T> gen)
        where T : class => Gen.OneOf(Gen.Constant<T?>(null), gen.Select(value => (T?)value));
}
