using Antiphon.Broker.Connections;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Publishing;

/// <summary>Takes in what clients publish, and their acknowledgements of what they were sent (MQTT 5 §3.3 to §3.7).</summary>
internal sealed class Receiver(BrokerOptions options, Router router, Sender sender, MemoryPressure pressure, FlushList flushList, EngineCounters counters)
{
    /// <summary>A client publishes.</summary>
    /// <returns>Why its connection has to end, if it has to.</returns>
    public Fault ReceivePublish(Connection connection, Session session, in Frame frame, Instant now)
    {
        if (!PublishView.TryDecode(frame, connection.Version, out var publish, out var fault))
        {
            return fault;
        }

        counters.MessagesReceived++;
        if (publish.TopicAlias is { } alias)
        {
            fault = ResolveAlias(connection, ref publish, alias);
            if (fault.Exists)
            {
                return fault;
            }
        }

        if (publish.HasSubscriptionIdentifier)
        {
            return Fault.Protocol("A PUBLISH from a client has a Subscription Identifier [MQTT-3.3.4-6].");
        }

        if (publish.QoS == QualityOfService.ExactlyOnce)
        {
            return new Fault(ReasonCode.QoSNotSupported, "The PUBLISH has QoS 2; the Maximum QoS here is 1 [MQTT-3.2.2-11].");
        }

        if (publish.Retain)
        {
            return new Fault(ReasonCode.RetainNotSupported, "The PUBLISH is to be retained; this broker does not retain messages [MQTT-3.2.2-14].");
        }

        var code = router.Route(publish, session, now);
        if (publish.QoS == QualityOfService.AtLeastOnce)
        {
            fault = pressure.Acknowledge(connection, publish.PacketIdentifier, code);
        }

        pressure.AfterPublish(connection);
        return fault;
    }

    /// <summary>A PUBACK, PUBREC, PUBREL or PUBCOMP came.</summary>
    /// <returns>Why the connection has to end, if it has to.</returns>
    public Fault ReceiveAcknowledgement(Connection connection, Session session, in Frame frame, Instant now)
    {
        if (!AcknowledgementPacket.TryRead(frame, connection.Version, out var identifier, out _, out var fault))
        {
            return fault;
        }

        switch (frame.Type)
        {
            case PacketType.PubAck:
                sender.Acknowledged(session, identifier, now);
                break;
            case PacketType.PubRec:
                // No QoS 2 message was sent (MQTT 5 §3.6.2.1).
                AcknowledgementPacket.Write(connection.Output, PacketType.PubRel, identifier, ReasonCode.PacketIdentifierNotFound, connection.Version);
                flushList.Mark(connection);
                break;
            case PacketType.PubRel:
                // No QoS 2 message was accepted (MQTT 5 §3.7.2.1).
                AcknowledgementPacket.Write(connection.Output, PacketType.PubComp, identifier, ReasonCode.PacketIdentifierNotFound, connection.Version);
                flushList.Mark(connection);
                break;
            default:
                counters.UnknownAcknowledgements++;
                break;
        }

        return default;
    }

    /// <summary>A Topic Name with an alias teaches it, an alias without one uses it (MQTT 5 §3.3.2.3.4).</summary>
    private Fault ResolveAlias(Connection connection, ref PublishView publish, ushort alias)
    {
        if (alias > options.TopicAliasMaximum)
        {
            return new Fault(
                ReasonCode.TopicAliasInvalid, $"The Topic Alias is {alias}; the Topic Alias Maximum of this broker is {options.TopicAliasMaximum} [MQTT-3.3.2-9].");
        }

        var topics = connection.TopicAliases ??= new byte[]?[options.TopicAliasMaximum];
        ref var known = ref topics[alias - 1];
        if (publish.Topic.IsEmpty)
        {
            if (known is null)
            {
                return Fault.Protocol($"The Topic Alias {alias} stands for no Topic Name on this connection (MQTT 5 §3.3.2.3.4).");
            }

            publish.Topic = known;
        }
        else if (!publish.Topic.SequenceEqual(known))
        {
            known = publish.Topic.ToArray();
        }

        return default;
    }
}
