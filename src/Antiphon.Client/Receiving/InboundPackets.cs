using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Receiving;

/// <summary>
/// Takes the packets of an accepted connection, one after the other, on the receive loop:
/// for the Session, or a fault that ends the connection.
/// </summary>
internal sealed class InboundPackets(ClientSession session, MqttClientOptions options)
{
    private const int LongestWithoutProperties = 3;

    private readonly List<Subscription> _receivers = [];
    private IncomingAliases _aliases = NoAliases(options);

    // Topic Aliases that stand for a Topic Name with a flaw, and what the flaw is.
    private Dictionary<ushort, Fault>? _flawedAliases;

    /// <summary>Handles a packet other than CONNACK, PINGRESP and DISCONNECT, which concern the connection alone.</summary>
    public Fault Handle(in Frame frame)
    {
        switch (frame.Type)
        {
            case PacketType.Publish:
                return PublishView.TryDecode(frame, options.ProtocolVersion, out var view, out var fault)
                    ? Deliver(ref view)
                    : Refuse(frame, fault);
            case >= PacketType.PubAck and <= PacketType.PubComp when frame.Body.Length <= LongestWithoutProperties:
                return AcknowledgementPacket.TryRead(frame, options.ProtocolVersion, out var identifier, out var code, out fault)
                    ? session.Acknowledged(frame.Type, identifier, new PublishResult(code))
                    : fault;
            default:
                return PacketDecoder.TryDecode(frame, options.ProtocolVersion, out var packet, out fault) ? Handle(packet) : fault;
        }
    }

    private Fault Handle(Packet packet) => packet switch
    {
        AcknowledgementPacket answer => session.Acknowledged(
            answer.Type,
            answer.PacketIdentifier,
            new PublishResult(answer.ReasonCode) { ReasonString = answer.ReasonString, UserProperties = answer.UserProperties }),
        SubAckPacket => Subscribed(packet),
        UnsubAckPacket => session.Answered(packet),

        // Authentication has not begun; the rest only a client sends (MQTT 5 §2.1.2).
        _ => Fault.Protocol($"{packet.Type} was not expected here (MQTT 5 §2.1.2)."),
    };

    private Fault Deliver(ref PublishView message)
    {
        var fault = default(Fault);
        if (message.TopicAlias is { } alias)
        {
            if (IsFlawed(alias, message.Topic, out var flaw))
            {
                Refuse(message, flaw);
                return default;
            }

            fault = _aliases.Resolve(ref message);
            if (fault.Exists)
            {
                return fault;
            }
        }

        HandHeld();
        _receivers.Clear();
        fault = session.Inbound.Received(message, _receivers, out var ticket);
        if (fault.Exists)
        {
            return fault;
        }

        Hand(message, ticket);
        return default;
    }

    /// <summary>
    /// A PUBLISH with a flaw that the server has let through. As long as its parts can be told from each other, the flaw is the message's
    /// and not the connection's: it is acknowledged with an error, since it would come again for ever.
    /// </summary>
    private Fault Refuse(in Frame frame, Fault flaw)
    {
        if (!FlawedPublish.TryRead(frame, options.ProtocolVersion, out var message, out var isAliasCertain))
        {
            return flaw;
        }

        if (!isAliasCertain)
        {
            // It may have set any alias without our seeing it: none of before is to be trusted.
            _aliases = NoAliases(options);
            _flawedAliases = null;
            message.TopicAlias = null;
        }

        if (message.TopicAlias is { } alias)
        {
            // It counts for the messages that follow, also where the Topic Name is the flaw; a wrong one is the connection's.
            var hasTopic = frame.Body is not [0, 0, ..];
            if (hasTopic && message.Topic.IsEmpty)
            {
                if (alias > options.TopicAliasMaximum)
                {
                    return _aliases.Resolve(ref message);
                }

                (_flawedAliases ??= [])[alias] = flaw;
            }
            else if (!IsFlawed(alias, message.Topic, out _) && _aliases.Resolve(ref message) is { Exists: true } fault)
            {
                return fault;
            }
        }

        Refuse(message, flaw);
        return default;
    }

    private void Refuse(in PublishView message, Fault flaw)
    {
        session.Failures.FlawedMessage(flaw);
        HandHeld();
        _receivers.Clear();
        session.Inbound.Refuse(message, flaw, _receivers);
    }

    /// <summary>Whether an alias stands for a Topic Name with a flaw; not any more, once it comes with a right one.</summary>
    private bool IsFlawed(ushort alias, ReadOnlySpan<byte> topic, out Fault flaw)
    {
        flaw = default;
        if (_flawedAliases is null)
        {
            return false;
        }

        if (topic.IsEmpty)
        {
            return _flawedAliases.TryGetValue(alias, out flaw);
        }

        _flawedAliases.Remove(alias);
        return false;
    }

    private static IncomingAliases NoAliases(MqttClientOptions options) => new(options.TopicAliasMaximum, rule: "MQTT-3.1.2-27");

    private Fault Subscribed(Packet answer)
    {
        var fault = session.Answered(answer);
        HandHeld();
        return fault;
    }

    /// <summary>What came before there was a subscription for it goes before what comes now.</summary>
    private void HandHeld()
    {
        _receivers.Clear();
        while (session.Inbound.TryTakeHeld(_receivers, out var packet, out var ticket))
        {
            FrameReader.TryRead(packet, uint.MaxValue, out var frame, out _);
            PublishView.TryDecode(frame, options.ProtocolVersion, out var message, out _);
            session.Inbound.Give(message, _receivers, ticket);
            Hand(message, ticket);
            _receivers.Clear();
        }
    }

    private void Hand(in PublishView message, in Ticket ticket)
    {
        for (var i = 0; i < _receivers.Count; i++)
        {
            if (_receivers[i].Sink is null)
            {
                Hand(_receivers[i], message, session.Inbound.AcknowledgementFor(message, ticket, i));
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a handler throws is its own; the connection must go on.")]
    private void Hand(Subscription subscription, in PublishView message, in Acknowledgement acknowledgement)
    {
        if (subscription.RawHandler is not { } handler)
        {
            subscription.Queue!.Enqueue(message, acknowledgement);
            return;
        }

        try
        {
            handler(message, acknowledgement);
        }
        catch (Exception failure)
        {
            session.Failures.HandlerFailed(failure, subscription);
            acknowledgement.Complete();
        }
    }
}
