using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Pressure;

/// <summary>
/// What happens when the engine's buffers reach their bound. First the acknowledgements to publishers are withheld (see
/// <see cref="Publishing.AcknowledgementGate"/>), so that their Receive Maximum stops them.
/// Where that does not help, because they publish with QoS 0, they are left unread;
/// but never a connection that owes acknowledgements, since these free memory.
/// </summary>
internal sealed class MemoryPressure(OptionsInForce options, MemoryAccount account, EngineCounters counters)
{
    private readonly List<Connection> _paused = [];

    /// <summary>Publishers are slowed from here on.</summary>
    private bool IsHigh => account.Bytes > options.Current.MaximumBufferBytes;

    /// <summary>Publishers are stopped from here on: a quarter above the bound.</summary>
    private bool IsCritical => account.Bytes > options.Current.MaximumBufferBytes + options.Current.MaximumBufferBytes / 4;

    /// <summary>So much has to be free before publishers go on, so that they do not stop and go with every message: a quarter.</summary>
    private bool IsRelieved => account.Bytes <= options.Current.MaximumBufferBytes - options.Current.MaximumBufferBytes / 4;

    /// <summary>
    /// Whether acknowledgements are withheld: from the first that was asked about while memory was short until there is room again.
    /// </summary>
    public bool IsWithholding { get; private set; }

    /// <summary>An acknowledgement is about to be sent.</summary>
    /// <returns>Whether it is to be withheld.</returns>
    public bool WithholdsAcknowledgements() => IsWithholding |= IsHigh;

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

    /// <summary>
    /// Lets publishers go on once there is room, and those without whose acknowledgements there might never be. Called once per turn.
    /// </summary>
    public void Relieve(Instant now)
    {
        if (!IsWithholding && _paused.Count == 0)
        {
            return;
        }

        if (!IsRelieved)
        {
            ResumeWhoOwes(now);
            return;
        }

        IsWithholding = false;
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
            if (!connection.IsHeldUp)
            {
                connection.Link.ResumeReading();
            }
        }
    }
}
