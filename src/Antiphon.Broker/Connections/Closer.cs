using Antiphon.Broker.Limits;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>
/// Ends connections so that the peer sees why (MQTT 5 §4.13): the last packet is flushed, then the sending side is ended,
/// then what still arrives is discarded for a limited time and up to a limited number of bytes.
/// (Closing with unread input would reset the connection, and the last packet would be lost.)
/// </summary>
internal sealed class Closer(
    OptionsInForce options,
    List<Connection> connections,
    UnfinishedPackets unfinished,
    Arrivals arrivals,
    SessionTable sessions,
    MemoryPressure pressure,
    PresenceEvents presence,
    TimingWheel wheel,
    FlushList flushList,
    EngineCounters counters,
    ConnectionEvents events)
{
    private const int MaximumDiscarded = 1024 * 1024;

    /// <summary>Refuses what the peer did: with CONNACK before the connection stands, with DISCONNECT after it.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="fault">Why.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="serverReference">Where the client is to go instead (§4.11).</param>
    public void Refuse(Connection connection, Fault fault, Instant now, string? serverReference = null)
    {
        Blame(connection);
        if (connection.Phase is ConnectionPhase.AwaitingConnect or ConnectionPhase.Authenticating)
        {
            if (!ConnAckPacket.CanSay(fault.Code, connection.Version))
            {
                // MQTT 3.1.1 has no word for a bad packet (MQTT 3.1.1 §3.1.4, §3.2.2.3).
                Close(connection, fault, now);
                return;
            }

            var refusal = new ConnAckPacket { ReasonCode = fault.Code, ReasonString = fault.Message, ServerReference = serverReference };
            _ = connection.TryWrite(refusal) || connection.TryWrite(refusal with { ReasonString = null });
            Close(connection, fault, now);
        }
        else
        {
            Disconnect(connection, fault, now, serverReference);
        }
    }

    /// <summary>Closes on whoever may not even speak MQTT, without a word (MQTT 5 §4.13.1).</summary>
    public void Reject(Connection connection, Fault fault, Instant now)
    {
        Blame(connection);
        Close(connection, fault, now);
    }

    /// <summary>Why a client ends its connection, as far as it says so.</summary>
    public static Fault Farewell(DisconnectPacket disconnect) =>
        new(
            disconnect.ReasonCode,
            disconnect.ReasonString is { } told ? $"The client disconnected: «{Utf8Text.Excerpt(told)}»." : "The client disconnected.");

    /// <summary>The connection is about to end because of what its client did or failed to do.</summary>
    public void Blame(Connection connection)
    {
        counters.Refusals++;
        connection.IsRefused = true;
    }

    /// <summary>
    /// Closes a connection that stands, saying why; in MQTT 3.1.1 a server has no DISCONNECT to say it with.
    /// A Session that rests, and its Will, follow the loss of a connection.
    /// </summary>
    public void Disconnect(Connection connection, Fault reason, Instant now, string? serverReference = null)
    {
        if (connection.Version == ProtocolVersion.V5)
        {
            var goodbye = new DisconnectPacket
            {
                ReasonCode = reason.Code,
                ReasonString = reason.Message,
                ServerReference = serverReference,
            };
            _ = connection.TryWrite(goodbye) || connection.TryWrite(goodbye with { ReasonString = null });
        }

        Close(connection, reason, now);
    }

    /// <summary>Closes after what is in the output, without another word.</summary>
    public void Close(Connection connection, Fault reason, Instant now)
    {
        connection.CloseReason = reason;
        events.AddEnd(connection);
        connection.Phase = ConnectionPhase.Closing;
        Arrivals.Heard(connection);
        unfinished.Remove(connection);
        connection.EndHold();
        Detach(connection, now);
        if (connection.PeerEnd == PeerEnd.Gone)
        {
            Ended(connection, now);
            return;
        }

        wheel.Set(connection.Deadline, now + options.Current.CloseTimeout);
        flushList.Mark(connection);
    }

    /// <summary>What arrives on a closing connection is thrown away, but not for ever.</summary>
    public void Discard(Connection connection, int bytes, Instant now)
    {
        connection.Discarded += bytes;
        if (connection.Discarded > MaximumDiscarded)
        {
            Abort(connection, now);
        }
    }

    /// <summary>Closes at once.</summary>
    public void Abort(Connection connection, Instant now)
    {
        connection.Link.Abort();
        Ended(connection, now);
    }

    /// <summary>The connection is gone.</summary>
    public void Ended(Connection connection, Instant now)
    {
        if (connection.Phase == ConnectionPhase.Closed)
        {
            return;
        }

        events.AddEnd(connection);
        connection.Phase = ConnectionPhase.Closed;
        connections.Leave(connection);
        counters.Connections--;
        counters.BytesSent += connection.Output.TakeSent();
        wheel.Cancel(connection.Deadline);
        arrivals.End(connection, now);
        unfinished.Remove(connection);
        connection.Output.Clear();
        Detach(connection, now);
    }

    private void Detach(Connection connection, Instant now)
    {
        pressure.Spare(connection, now);
        connection.Inquiry?.Cancel();
        connection.Inquiry = null;
        if (connection.Question is { } question)
        {
            connection.Question = null;
            wheel.Cancel(question.Deadline);
            question.Cancel();
        }

        if (connection.ProofExpiry is { } proof)
        {
            wheel.Cancel(proof.Deadline);
        }

        if (connection.Session is { } session)
        {
            connection.IsFanningOut = false;
            connection.Session = null;
            presence.Note(connection, isConnected: false, now);
            sessions.Detach(session, now);
        }
    }
}
