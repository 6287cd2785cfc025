using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>
/// The packets of a client that is connected: does what SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT ask for,
/// and passes the others on to those who do.
/// </summary>
internal sealed class ClientPackets(
    Receiver receiver,
    SubscriptionTable subscriptions,
    SystemFigures systemFigures,
    RetainedWalks walks,
    MessageLimits limits,
    Identification identification,
    Authorizations? authorizations,
    Handshake handshake,
    Closer closer,
    FlushList flushList,
    ConnectionEvents events)
{
    /// <summary>In SUBSCRIBE: the requests that match are to be answered, also where a filter begins with a wildcard.</summary>
    private static readonly UserProperty Responds = new("antiphon-respond", "1");

    /// <summary>A whole packet came.</summary>
    public void Receive(Connection connection, in Frame frame, Instant now)
    {
        var session = connection.Session ?? throw new InvalidOperationException("A connection that stands has no Session.");
        Fault fault;
        switch (frame.Type)
        {
            case PacketType.Publish:
                fault = receiver.ReceivePublish(connection, session, frame, now);
                break;
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp:
                fault = receiver.ReceiveAcknowledgement(connection, session, frame, now);
                break;
            case PacketType.Connect:
                // Whatever is in it: what CONNACK could say of it, DISCONNECT cannot.
                fault = Fault.Protocol("A second CONNECT on the same connection [MQTT-3.1.0-2].");
                break;
            case PacketType.PingReq:
                fault = ReceivePing(connection, frame);
                break;
            default:
                fault = PacketDecoder.TryDecode(frame, connection.Version, out var packet, out var malformed)
                    ? ReceiveControl(connection, session, packet, now)
                    : malformed;
                break;
        }

        if (fault.Exists)
        {
            closer.Refuse(connection, fault, now);
        }

        if (connection.Question is { IsAnswered: true })
        {
            // Something else has decided about the packet that it was for; it is not to be taken for an answer about the next one.
            connection.Question = null;
        }

        // An acknowledgement may have made room.
        walks.Resume(session);
    }

    private Fault ReceivePing(Connection connection, in Frame frame)
    {
        if (!frame.Body.IsEmpty)
        {
            return Fault.Malformed("PINGREQ has no body (MQTT 5 §3.12).");
        }

        return Answer(connection, PingRespPacket.Instance);
    }

    private Fault ReceiveControl(Connection connection, Session session, Packet packet, Instant now)
    {
        switch (packet)
        {
            case SubscribePacket subscribe:
                return ReceiveSubscribe(connection, session, subscribe, now);
            case UnsubscribePacket unsubscribe:
                return ReceiveUnsubscribe(connection, session, unsubscribe);
            case DisconnectPacket disconnect:
                return ReceiveDisconnect(connection, session, disconnect, now);
            case AuthPacket auth:
                return identification.ReceiveAuth(connection, auth);
            default:
                return Fault.Protocol($"A client does not send {packet.Type} (MQTT 5 §2.1.2).");
        }
    }

    private Fault ReceiveSubscribe(Connection connection, Session session, SubscribePacket subscribe, Instant now)
    {
        var excess = limits.CheckUserProperties(subscribe.UserProperties);
        if (excess.Exists)
        {
            return excess;
        }

        // All filters are judged before the first takes effect: a packet against the rules changes nothing.
        var filters = new TopicFilter[subscribe.Subscriptions.Count];
        for (var i = 0; i < filters.Length; i++)
        {
            if (!TopicFilter.TryParse(subscribe.Subscriptions[i].TopicFilter, out filters[i], out var fault))
            {
                return fault;
            }
        }

        SubscribeAnswers?[]? authorized = null;
        if (authorizations?.TryDecide(connection, session, subscribe, filters, now, out authorized) == false)
        {
            return default;
        }

        if (filters.Any(filter => SystemTopic.Includes(filter.Pattern)))
        {
            systemFigures.Prepare(now);
        }

        var responds = subscribe.UserProperties.Contains(Responds);
        uint[] identifiers = subscribe.SubscriptionIdentifier is { } identifier ? [identifier] : [];
        var codes = new ReasonCode[filters.Length];
        string? told = null;
        for (var i = 0; i < filters.Length; i++)
        {
            var (topicFilter, options) = subscribe.Subscriptions[i];
            if (connection.IsBridge)
            {
                // What it would ask for in MQTT 5, where No Local is not for shared subscriptions [MQTT-3.8.3-4].
                options = options with { NoLocal = !filters[i].IsShared, RetainAsPublished = true };
            }

            codes[i] = subscriptions.Subscribe(session, topicFilter, filters[i], options, identifiers, responds, authorized?[i]);
            if (codes[i] >= ReasonCode.UnspecifiedError)
            {
                var why = (codes[i] == ReasonCode.NotAuthorized ? authorized?[i]?.ReasonString : null)
                    ?? SubscriptionTable.Explain(codes[i], filters[i]);
                told ??= why;
                events.AddDenied(connection, topicFilter, new Fault(codes[i], why));
            }
        }

        var answer = new SubAckPacket { PacketIdentifier = subscribe.PacketIdentifier, ReasonCodes = codes };
        var reason = connection.WantsProblemInformation ? told : null;
        if (reason is not null && connection.TryWrite(answer with { ReasonString = reason }))
        {
            flushList.Mark(connection);
        }
        else if (Answer(connection, answer) is { Exists: true } tooLarge)
        {
            return tooLarge;
        }

        walks.Start(session, now);
        return default;
    }

    private Fault ReceiveUnsubscribe(Connection connection, Session session, UnsubscribePacket unsubscribe)
    {
        var excess = limits.CheckUserProperties(unsubscribe.UserProperties);
        if (excess.Exists)
        {
            return excess;
        }

        // As with SUBSCRIBE, a packet against the rules changes nothing.
        foreach (var topicFilter in unsubscribe.TopicFilters)
        {
            if (!TopicFilter.TryParse(topicFilter, out _, out var fault))
            {
                return fault;
            }
        }

        return Answer(connection, new UnsubAckPacket
        {
            PacketIdentifier = unsubscribe.PacketIdentifier,
            ReasonCodes = [.. unsubscribe.TopicFilters.Select(filter => subscriptions.Unsubscribe(session, filter))],
        });
    }

    private Fault ReceiveDisconnect(Connection connection, Session session, DisconnectPacket disconnect, Instant now)
    {
        if (!DisconnectPacket.ClientMaySay(disconnect.ReasonCode))
        {
            return Fault.Protocol(
                $"A client's DISCONNECT has the Reason Code 0x{(byte)disconnect.ReasonCode:X2}, which only a server says (MQTT 5 "
                    + "§3.14.2.1).");
        }

        if (disconnect.ServerReference is not null)
        {
            return Fault.Protocol("A client's DISCONNECT has a Server Reference [MQTT-3.14.2-2].");
        }

        if (disconnect.SessionExpiryInterval is { } seconds)
        {
            var granted = handshake.LimitExpiry(seconds);
            if (session.ExpiryInterval == TimeSpan.Zero && granted > TimeSpan.Zero)
            {
                return Fault.Protocol($"DISCONNECT raises the Session Expiry Interval from 0 to {seconds} (MQTT 5 §3.14.2.2.2).");
            }

            session.ExpiryInterval = granted;
        }

        if (disconnect.ReasonCode == ReasonCode.Success)
        {
            session.Will = null;
        }

        closer.Close(connection, Closer.Farewell(disconnect), now);
        return default;
    }

    private Fault Answer(Connection connection, Packet packet)
    {
        if (!connection.TryWrite(packet))
        {
            return new Fault(
                ReasonCode.PacketTooLarge,
                $"{packet.Type} is larger than the client's Maximum Packet Size of {connection.MaximumPacketSize} bytes [MQTT-3.1.2-24].");
        }

        flushList.Mark(connection);
        return default;
    }
}
