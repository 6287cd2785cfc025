using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Limits;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>What a CONNECT may ask for here, before anybody is asked who sends it (MQTT 5 §3.1.4, §3.2.2).</summary>
internal sealed class ConnectRules(
    BrokerOptions options, SessionTable sessions, Identification identification, MessageLimits limits, EngineCounters counters)
{
    /// <summary>
    /// What is well formed, but more than this broker does. An answer before CONNACK with success is a CONNACK [MQTT-3.1.4-2].
    /// </summary>
    public Fault Check(ConnectPacket connect)
    {
        if (Utf8Text.GetByteCount(connect.ClientId) > options.MaximumClientIdLength)
        {
            return new Fault(
                ReasonCode.ClientIdentifierNotValid,
                $"The Client Identifier has more than {options.MaximumClientIdLength} bytes [MQTT-3.1.3-8].");
        }

        var excess = limits.Check(connect);
        if (excess.Exists)
        {
            return excess;
        }

        // Before anybody is asked about it, and once more when it is accepted: others may have come meanwhile.
        var room = CheckRoom(sessions.Find(connect.ClientId));
        if (room.Exists)
        {
            return room;
        }

        if (connect is { ProtocolVersion: ProtocolVersion.V311, ClientId: "", CleanStart: false })
        {
            return new Fault(
                ReasonCode.ClientIdentifierNotValid,
                "There is no Client Identifier by which the Session could be found again (MQTT 3.1.1 §3.1.3.1).");
        }

        var refusal = identification.Check(connect);
        if (refusal.Exists)
        {
            return refusal;
        }

        return connect.Will switch
        {
            // It is left out, whatever it asks for.
            { } will when SystemTopic.IsOfBridge(will.Message.Topic) => default,
            { Message.QoS: var qos } when qos > options.MaximumQoS =>
                new Fault(
                    ReasonCode.QoSNotSupported,
                    $"The Will has QoS {(int)qos}; the Maximum QoS here is {(int)options.MaximumQoS} [MQTT-3.2.2-12]."),
            { Message.Retain: true } when !options.RetainAvailable =>
                new Fault(
                    ReasonCode.RetainNotSupported, "The Will is to be retained; this broker does not retain messages [MQTT-3.2.2-13]."),
            { } will when SystemTopic.Includes(will.Message.Topic)
                || OwnResponseTopics.Includes(Encoding.UTF8.GetBytes(will.Message.Topic)) => new Fault(
                ReasonCode.NotAuthorized,
                $"The Will Topic is «{Utf8Text.Excerpt(will.Message.Topic)}»; no Will is published to $SYS or to a response topic of "
                    + "$reply (MQTT 5 §3.1.3.3)."),
            _ => default,
        };
    }

    /// <summary>Who comes back to a Session that still has a connection takes its place.</summary>
    public Fault CheckRoom(Session? session)
    {
        if (sessions.ConnectedCount < options.MaximumConnections || session?.Connection is not null)
        {
            return default;
        }

        counters.RefusedClients++;
        return new Fault(
            ReasonCode.QuotaExceeded, $"{options.MaximumConnections} clients are connected, which is as many as may be (MQTT 5 §3.2.2.2).");
    }
}
