using System.Runtime.CompilerServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Publishing;

/// <summary>Takes in what clients publish, and their acknowledgements of what they were sent (MQTT 5 §3.3 to §3.7).</summary>
internal sealed class Receiver(
    PublishRules rules,
    Router router,
    ExchangeWatch? watch,
    Sender sender,
    AcknowledgementGate gate,
    MessageLimits limits,
    PublishRates rates,
    BrokerReplies replies,
    MemoryPressure pressure,
    SessionMemory memory,
    FlushList flushList,
    ConnectionEvents events,
    EngineCounters counters)
{
    private static readonly Fault TooFast = new(
        ReasonCode.MessageRateTooHigh, "With QoS 0 it publishes faster than MaximumPublishesPerSecond or MaximumPublishBytesPerSecond.");

    /// <summary>A client publishes.</summary>
    /// <returns>Why its connection has to end, if it has to.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Fault ReceivePublish(Connection connection, Session session, in Frame frame, Instant now)
    {
        if (!PublishView.TryDecode(frame, connection.Version, out var publish, out var fault))
        {
            return fault;
        }

        counters.MessagesReceived++;
        if (publish.TopicAlias is not null)
        {
            connection.IncomingAliases ??= new IncomingAliases(connection.Terms.TopicAliasMaximum, rule: "MQTT-3.3.2-9");
            fault = connection.IncomingAliases.Resolve(ref publish);
            if (fault.Exists)
            {
                return fault;
            }

            if (connection.IncomingAliases.Bytes != connection.AliasBytes && !memory.TryHoldAliases(connection, session))
            {
                return NoRoomForAlias();
            }
        }

        if (publish.HasSubscriptionIdentifier)
        {
            return Fault.Protocol("A PUBLISH from a client has a Subscription Identifier [MQTT-3.3.4-6].");
        }

        if (publish.QoS > connection.Terms.MaximumQoS)
        {
            return QoSNotSupported(publish.QoS, connection.Terms.MaximumQoS);
        }

        if (publish.Retain && !connection.Terms.RetainAvailable && !SystemTopic.IsOfBridge(publish.Topic))
        {
            return new Fault(
                ReasonCode.RetainNotSupported, "The PUBLISH is to be retained; this broker does not retain messages [MQTT-3.2.2-14].");
        }

        if (publish.QoS != QualityOfService.AtMostOnce)
        {
            fault = ReceiveAcknowledged(connection, session, ref publish, frame.Length, now);
        }
        else
        {
            Route(connection, session, ref publish, frame.Length, now, out _);
        }

        pressure.AfterPublish(connection);
        return fault;
    }

    /// <summary>A PUBACK, PUBREC, PUBREL or PUBCOMP came.</summary>
    /// <returns>Why the connection has to end, if it has to.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Fault ReceiveAcknowledgement(Connection connection, Session session, in Frame frame, Instant now)
    {
        if (!AcknowledgementPacket.TryRead(frame, connection.Version, out var identifier, out var code, out var fault))
        {
            return fault;
        }

        switch (frame.Type)
        {
            case PacketType.PubAck:
                sender.Acknowledged(session, identifier, now);
                return default;
            case PacketType.PubRec:
                sender.Received(connection, session, identifier, code, now);
                return default;
            case PacketType.PubComp:
                sender.Completed(session, identifier, now);
                return default;
            default:
                return ReceiveRelease(connection, session, identifier);
        }
    }

    private Fault ReceiveAcknowledged(Connection connection, Session session, ref PublishView publish, int size, Instant now)
    {
        var answer = publish.QoS == QualityOfService.ExactlyOnce ? PacketType.PubRec : PacketType.PubAck;
        var identifier = publish.PacketIdentifier;
        var stage = session.Received.StageOf(identifier);
        if (answer == PacketType.PubRec)
        {
            switch (stage)
            {
                case ReceivedStage.Received:
                    // Again on the same connection, which no client should do [MQTT-4.4.0-1]:
                    // it is the same message all the same [MQTT-4.3.3-10].
                    PublishAnswer.Write(connection, answer, identifier, ReasonCode.Success);
                    flushList.Mark(connection);
                    return default;
                case ReceivedStage.Withheld or ReceivedStage.WithheldRefusal:
                    // Its PUBREC will come.
                    return default;
                default:
                    break;
            }
        }

        // What CONNACK has told the client, and all Packet Identifiers where MQTT 3.1.1 cannot tell.
        var maximum = connection.Version == ProtocolVersion.V5 ? connection.Terms.ReceiveMaximum : ushort.MaxValue;
        if (session.Received.Unfinished >= maximum)
        {
            return TooManyUnfinished(maximum);
        }

        FanOut? underWay = null;
        var (code, reason) = stage switch
        {
            ReceivedStage.None => Route(connection, session, ref publish, size, now, out underWay),
            ReceivedStage.Earlier when answer == PacketType.PubRec => default,

            // The identifier is one of QoS 2. MQTT 3.1.1 has no words for that: at least once is kept.
            _ => connection.Version == ProtocolVersion.V5
                ? new Fault(ReasonCode.PacketIdentifierInUse, null)
                : Route(connection, session, ref publish, size, now, out underWay),
        };
        if (connection.IsAsking)
        {
            return default;
        }

        if (underWay is not null)
        {
            session.Received.Withhold(answer, identifier, code);
            underWay.AnswerWith(connection, answer, identifier, size);
        }
        else if (HasPace(session))
        {
            rates.Acknowledge(connection, session, answer, identifier, code, reason, size, now);
        }
        else
        {
            gate.Acknowledge(connection, session, answer, identifier, code, reason);
        }

        return default;
    }

    /// <summary>A message has been delivered to all whom it concerns: it is acknowledged, unless its connection has ended since.</summary>
    public void Finish(FanOut fanOut, Instant now)
    {
        if (fanOut is not { Connection: { Session: { } session } connection })
        {
            return;
        }

        session.Received.TakeUp();
        if (HasPace(session))
        {
            rates.Acknowledge(
                connection, session, fanOut.Answer, fanOut.PacketIdentifier, fanOut.Code, reason: null, fanOut.PacketSize, now);
        }
        else
        {
            gate.Acknowledge(connection, session, fanOut.Answer, fanOut.PacketIdentifier, fanOut.Code);
        }
    }

    /// <returns>
    /// What the acknowledgement says, and why if there is more to say than the code does; nothing where the connection is on hold.
    /// </returns>
    private Fault Route(
        Connection connection, Session session, ref PublishView publish, int size, Instant now, out FanOut? underWay)
    {
        if (!limits.IsSurelyWithin(publish) || !rules.SurelyAllow(publish) || rates.IsSet || watch is not null)
        {
            return RouteJudged(connection, session, ref publish, size, now, out underWay);
        }

        var result = router.Route(publish, session, now);
        underWay = result.UnderWay;
        return new Fault(result.Code, null);
    }

    /// <summary>Apart from <see cref="Route"/>, since most brokers judge nothing, and should not pay for it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Fault RouteJudged(
        Connection connection, Session session, ref PublishView publish, int size, Instant now, out FanOut? underWay)
    {
        underWay = null;
        var refusal = limits.Check(publish);
        if (!refusal.Exists)
        {
            refusal = rules.Check(connection, session, ref publish, now);
            if (connection.IsAsking)
            {
                // It comes once more.
                counters.MessagesReceived--;
                return default;
            }
        }

        // With QoS 0 nothing slows a client: what it publishes too fast goes to nobody.
        var isTooFast = rates.IsSet
            && publish.QoS == QualityOfService.AtMostOnce && !refusal.Exists && !rates.TryPublish(session, size, now);
        if (isTooFast)
        {
            refusal = TooFast;
        }

        var result = refusal.Exists ? new RoutingResult(refusal.Code) : router.Route(publish, session, now);
        underWay = result.UnderWay;
        if (refusal.Exists)
        {
            events.AddDenied(connection, publish.Topic, refusal);
        }

        if (watch is not null && !publish.ResponseTopic.IsEmpty)
        {
            watch.Routed(publish, session, result, now);
        }

        if (isTooFast)
        {
            replies.Reply(publish, session, BrokerReplies.TooManyRequests, "publish-rate", now);
        }

        return refusal.Exists ? refusal : new Fault(result.Code, null);
    }

    /// <summary>What waits since there was a rate leaves first, also where there is none any more.</summary>
    private bool HasPace(Session session) => rates.IsSet || session.Pace is { Held.Count: > 0 };

    private Fault ReceiveRelease(Connection connection, Session session, PacketIdentifier identifier)
    {
        var stage = session.Received.Release(identifier);
        if (stage is ReceivedStage.Withheld or ReceivedStage.WithheldRefusal)
        {
            return Fault.Protocol($"PUBREL {identifier} came before its PUBREC [MQTT-4.3.3-4].");
        }

        var code = stage == ReceivedStage.None ? ReasonCode.PacketIdentifierNotFound : ReasonCode.Success;
        AcknowledgementPacket.Write(connection.Output, PacketType.PubComp, identifier, code, connection.Version);
        flushList.Mark(connection);
        return default;
    }

    // Sentences are put together out of the way: room for that in the frame of a method is cleared at each call.
    private static Fault NoRoomForAlias() =>
        new(ReasonCode.QuotaExceeded, "There is no memory for one more Topic Alias, or one that means a longer Topic Name.");

    private static Fault QoSNotSupported(QualityOfService qos, QualityOfService maximum) =>
        new(
            ReasonCode.QoSNotSupported,
            $"The PUBLISH has QoS {(int)qos}; the Maximum QoS here is {(int)maximum} [MQTT-3.2.2-11].");

    private static Fault TooManyUnfinished(int maximum) =>
        new(
            ReasonCode.ReceiveMaximumExceeded,
            $"More than {maximum} messages are not acknowledged in full, which is the Receive Maximum here [MQTT-3.3.4-7].");
}
