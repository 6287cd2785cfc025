namespace Antiphon.Conformance.Brokers;

/// <summary>What a case takes for granted and MQTT leaves to the broker. Where a broker does not have it, the case is skipped.</summary>
internal enum Need
{
    /// <summary>It serves MQTT 3.1.1.</summary>
    Mqtt311,

    /// <summary>It serves MQTT 5.</summary>
    Mqtt5,

    /// <summary>Its Maximum QoS is 1 or 2.</summary>
    QoS1,

    /// <summary>Its Maximum QoS is 2.</summary>
    QoS2,

    /// <summary>It keeps retained messages.</summary>
    Retain,

    /// <summary>It allows wildcards in filters.</summary>
    Wildcards,

    /// <summary>It has shared subscriptions.</summary>
    SharedSubscriptions,

    /// <summary>It has Subscription Identifiers.</summary>
    SubscriptionIdentifiers,

    /// <summary>It allows a client at least two Topic Aliases.</summary>
    TopicAliases,

    /// <summary>It tells a Topic Alias Maximum below 65,535.</summary>
    LimitedTopicAliases,

    /// <summary>It tells a Receive Maximum below 65,535.</summary>
    LimitedReceiveMaximum,

    /// <summary>It tells a Maximum Packet Size of 16 MiB or less.</summary>
    LimitedPacketSize,

    /// <summary>It tells Response Information to who asks for it.</summary>
    ResponseInformation,

    /// <summary>Its Maximum QoS is below 2.</summary>
    LacksQoS2,

    /// <summary>It keeps no retained messages.</summary>
    LacksRetain,

    /// <summary>It rejects client identifiers of more than 23 bytes.</summary>
    RejectsLongIdentifiers,

    /// <summary>It knows the user <c>user</c> by the password <c>secret</c>, and by no other.</summary>
    Passwords,

    /// <summary>It has the authentication method RIDDLE, which asks <c>1+1</c> and takes <c>2</c>.</summary>
    Riddle,

    /// <summary>It refuses messages to <c>$SYS</c>, saying so in the acknowledgement.</summary>
    RefusesSystemTopics,

    /// <summary>It lets a client without an identifier in.</summary>
    AssignedIdentifiers,
}
