using Antiphon.Protocol.Packets;
using static Antiphon.Protocol.Packets.PacketSet;
using static Antiphon.Protocol.Properties.PropertyType;

namespace Antiphon.Protocol.Properties;

internal enum PropertyType : byte
{
    Byte,
    TwoByteInteger,
    FourByteInteger,
    VariableByteInteger,
    Utf8String,
    BinaryData,
    StringPair,
}

/// <summary>One row of the table: what a property is, where it may stand, and which numbers it may hold.</summary>
internal readonly record struct PropertyRule(PropertyType Type, PacketSet Carriers)
{
    public uint Minimum { get; init; }

    public uint Maximum { get; init; } = uint.MaxValue;

    /// <summary>The Reason Code for a number outside the range.</summary>
    public ReasonCode OutOfRange { get; init; } = ReasonCode.ProtocolError;

    /// <summary>Where the property may stand more than once.</summary>
    public PacketSet Repeatable { get; init; }

    public bool Exists => Carriers != None;
}

/// <summary>Every property of MQTT 5 §2.2.2.2, declared once; reading and writing both go by it.</summary>
internal static class PropertyTable
{
    private const PacketSet Everywhere =
        WillProperties | Connect | ConnAck | Publish | Acknowledgements | Subscribe | SubAck | Unsubscribe | UnsubAck | Disconnect | Auth;

    private static readonly PropertyRule[] Rules = Build();

    // Every property's number is smaller than the table; a rule is not copied for every property of every packet.
    public static ref readonly PropertyRule Rule(uint identifier) => ref Rules[identifier < (uint)Rules.Length ? identifier : 0];

    private static PropertyRule[] Build()
    {
        var rules = new PropertyRule[(int)PropertyIdentifier.SharedSubscriptionAvailable + 1];

        void Add(PropertyIdentifier identifier, PropertyRule rule) => rules[(int)identifier] = rule;

        Add(PropertyIdentifier.PayloadFormatIndicator, new(PropertyType.Byte, Publish | WillProperties) { Maximum = 1 });
        Add(PropertyIdentifier.MessageExpiryInterval, new(FourByteInteger, Publish | WillProperties));
        Add(PropertyIdentifier.ContentType, new(Utf8String, Publish | WillProperties));
        Add(PropertyIdentifier.ResponseTopic, new(Utf8String, Publish | WillProperties));
        Add(PropertyIdentifier.CorrelationData, new(BinaryData, Publish | WillProperties));
        Add(
            PropertyIdentifier.SubscriptionIdentifier,
            new(PropertyType.VariableByteInteger, Publish | Subscribe) { Minimum = 1, Repeatable = Publish });
        Add(PropertyIdentifier.SessionExpiryInterval, new(FourByteInteger, Connect | ConnAck | Disconnect));
        Add(PropertyIdentifier.AssignedClientIdentifier, new(Utf8String, ConnAck));
        Add(PropertyIdentifier.ServerKeepAlive, new(TwoByteInteger, ConnAck));
        Add(PropertyIdentifier.AuthenticationMethod, new(Utf8String, Connect | ConnAck | Auth));
        Add(PropertyIdentifier.AuthenticationData, new(BinaryData, Connect | ConnAck | Auth));
        Add(PropertyIdentifier.RequestProblemInformation, new(PropertyType.Byte, Connect) { Maximum = 1 });
        Add(PropertyIdentifier.WillDelayInterval, new(FourByteInteger, WillProperties));
        Add(PropertyIdentifier.RequestResponseInformation, new(PropertyType.Byte, Connect) { Maximum = 1 });
        Add(PropertyIdentifier.ResponseInformation, new(Utf8String, ConnAck));
        Add(PropertyIdentifier.ServerReference, new(Utf8String, ConnAck | Disconnect));
        Add(PropertyIdentifier.ReasonString, new(Utf8String, ConnAck | Acknowledgements | SubAck | UnsubAck | Disconnect | Auth));
        Add(PropertyIdentifier.ReceiveMaximum, new(TwoByteInteger, Connect | ConnAck) { Minimum = 1 });
        Add(PropertyIdentifier.TopicAliasMaximum, new(TwoByteInteger, Connect | ConnAck));
        Add(PropertyIdentifier.TopicAlias, new(TwoByteInteger, Publish) { Minimum = 1, OutOfRange = ReasonCode.TopicAliasInvalid });
        Add(PropertyIdentifier.MaximumQoS, new(PropertyType.Byte, ConnAck) { Maximum = 1 });
        Add(PropertyIdentifier.RetainAvailable, new(PropertyType.Byte, ConnAck) { Maximum = 1 });
        Add(PropertyIdentifier.UserProperty, new(StringPair, Everywhere) { Repeatable = Everywhere });
        Add(PropertyIdentifier.MaximumPacketSize, new(FourByteInteger, Connect | ConnAck) { Minimum = 1 });
        Add(PropertyIdentifier.WildcardSubscriptionAvailable, new(PropertyType.Byte, ConnAck) { Maximum = 1 });
        Add(PropertyIdentifier.SubscriptionIdentifierAvailable, new(PropertyType.Byte, ConnAck) { Maximum = 1 });
        Add(PropertyIdentifier.SharedSubscriptionAvailable, new(PropertyType.Byte, ConnAck) { Maximum = 1 });
        return rules;
    }
}
