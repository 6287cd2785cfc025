using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;

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

    /// <summary>Acknowledges a publisher's message, now or when there is room again. Acknowledgements keep their order [MQTT-4.6.0-2].</summary>
    /// <returns>A fault when the client has sent more than it may while it waits.</returns>
    public Fault Acknowledge(Connection connection, PacketIdentifier identifier, ReasonCode code)
    {
        if (_withheld.Count == 0 && !IsHigh)
        {
            Write(connection, identifier, code);
            return default;
        }

        if (connection.WithheldAcknowledgements == connection.OwnReceiveMaximum)
        {
            return new Fault(
                ReasonCode.ReceiveMaximumExceeded, $"More than {connection.OwnReceiveMaximum} messages are unacknowledged, which is the Receive Maximum here [MQTT-3.3.4-7].");
        }

        connection.WithheldAcknowledgements++;
        counters.WithheldAcknowledgements++;
        _withheld.Enqueue(new Withheld(connection, identifier, code));
        return default;
    }

    /// <summary>A publisher's message has been dealt with: leaves the publisher unread where nothing else helps.</summary>
    public void AfterPublish(Connection connection)
    {
        if (IsCritical && !connection.IsPaused && connection.Session is { Window.Unacknowledged: 0 })
        {
            connection.IsPaused = true;
            counters.PausedConnections++;
            _paused.Add(connection);
            connection.Link.PauseReading();
        }
    }

    /// <summary>Lets publishers go on once there is room. Called once per turn.</summary>
    public void Relieve(Instant now)
    {
        if ((_withheld.Count == 0 && _paused.Count == 0) || !IsRelieved)
        {
            return;
        }

        while (_withheld.TryDequeue(out var withheld))
        {
            withheld.Connection.WithheldAcknowledgements--;
            counters.WithheldAcknowledgements--;
            if (withheld.Connection.Phase == ConnectionPhase.Connected)
            {
                Write(withheld.Connection, withheld.Identifier, withheld.Code);
            }
        }

        foreach (var connection in _paused)
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

        _paused.Clear();
    }

    private void Write(Connection connection, PacketIdentifier identifier, ReasonCode code)
    {
        PublishAnswer.Write(connection, identifier, code);
        flushList.Mark(connection);
    }

    private readonly record struct Withheld(Connection Connection, PacketIdentifier Identifier, ReasonCode Code);
}
