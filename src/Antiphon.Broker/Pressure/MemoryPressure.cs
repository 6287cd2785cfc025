using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Pressure;

/// <summary>
/// What happens when the engine's buffers reach their bound. First the acknowledgements to publishers are withheld, so that their Receive Maximum stops them.
/// Where that does not help, because they publish with QoS 0, they are left unread; but never a connection that owes acknowledgements, since these free memory.
/// </summary>
internal sealed class MemoryPressure(BrokerOptions options, BufferPool buffers, FlushList flushList, EngineCounters counters)
{
    private readonly Queue<Withheld> _withheld = new();
    private readonly List<Connection> _paused = [];

    /// <summary>Publishers are slowed from here on.</summary>
    private bool IsHigh => buffers.RentedBytes > options.MaximumBufferBytes;

    /// <summary>Publishers are stopped from here on: a quarter above the bound.</summary>
    private bool IsCritical => buffers.RentedBytes > options.MaximumBufferBytes + options.MaximumBufferBytes / 4;

    /// <summary>So much has to be free before publishers go on, so that they do not stop and go with every message: a quarter.</summary>
    private bool IsRelieved => buffers.RentedBytes <= options.MaximumBufferBytes - options.MaximumBufferBytes / 4;

    /// <summary>Acknowledges a publisher's message, now or when there is room again. Acknowledgements keep their order [MQTT-4.6.0-2, MQTT-4.6.0-3].</summary>
    /// <param name="connection">Over which the message came.</param>
    /// <param name="session">Its Session.</param>
    /// <param name="answer">PUBACK or PUBREC.</param>
    /// <param name="identifier">The message's Packet Identifier.</param>
    /// <param name="code">What to say.</param>
    public void Acknowledge(Connection connection, Session session, PacketType answer, PacketIdentifier identifier, ReasonCode code)
    {
        if (_withheld.Count == 0 && !IsHigh)
        {
            session.Received.Answer(answer, identifier, code);
            Write(connection, answer, identifier, code);
            return;
        }

        session.Received.Withhold(answer, identifier, code);
        counters.WithheldAcknowledgements++;
        _withheld.Enqueue(new Withheld(connection, answer, identifier, code));
    }

    /// <summary>A publisher's message has been dealt with: leaves the publisher unread where nothing else helps.</summary>
    public void AfterPublish(Connection connection)
    {
        if (IsCritical && !connection.IsPaused && connection.Session is { Unacknowledged: 0 })
        {
            connection.IsPaused = true;
            counters.PausedConnections++;
            _paused.Add(connection);
            connection.Link.PauseReading();
        }
    }

    /// <summary>Lets publishers go on once there is room, and those without whose acknowledgements there might never be. Called once per turn.</summary>
    public void Relieve(Instant now)
    {
        if (_withheld.Count == 0 && _paused.Count == 0)
        {
            return;
        }

        if (!IsRelieved)
        {
            ResumeWhoOwes(now);
            return;
        }

        while (_withheld.TryDequeue(out var withheld))
        {
            counters.WithheldAcknowledgements--;
            if (withheld.Connection.Session is { } session)
            {
                session.Received.EndWithholding(withheld.Answer, withheld.Identifier, withheld.Code);
                Write(withheld.Connection, withheld.Answer, withheld.Identifier, withheld.Code);
            }
        }

        foreach (var connection in _paused)
        {
            Resume(connection, now);
        }

        _paused.Clear();
    }

    /// <summary>Who was left unread may have been sent something since that it has to acknowledge, or have gone.</summary>
    private void ResumeWhoOwes(Instant now)
    {
        for (var i = _paused.Count - 1; i >= 0; i--)
        {
            if (_paused[i].Session is not { Window.Unacknowledged: 0 })
            {
                Resume(_paused[i], now);
                _paused[i] = _paused[^1];
                _paused.RemoveAt(_paused.Count - 1);
            }
        }
    }

    private void Resume(Connection connection, Instant now)
    {
        connection.IsPaused = false;
        counters.PausedConnections--;
        if (connection.Phase != ConnectionPhase.Closed)
        {
            // Its silence was of our making.
            connection.LastHeard = now;
            connection.Link.ResumeReading();
        }
    }

    private void Write(Connection connection, PacketType answer, PacketIdentifier identifier, ReasonCode code)
    {
        PublishAnswer.Write(connection, answer, identifier, code);
        flushList.Mark(connection);
    }

    private readonly record struct Withheld(Connection Connection, PacketType Answer, PacketIdentifier Identifier, ReasonCode Code);
}
