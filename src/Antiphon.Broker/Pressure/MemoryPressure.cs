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
    /// <summary>So many publishers are read again in one turn.</summary>
    internal const int ResumedPerTurn = 256;

    private readonly List<Connection> _paused = [];
    private bool _isResuming;

    /// <summary>Publishers are slowed from here on.</summary>
    private bool IsHigh => account.Bytes > options.Current.MaximumBufferBytes;

    /// <summary>
    /// Publishers are stopped from here on: a quarter above the bound. What is withheld from them counts here, and nowhere else:
    /// it must not keep itself from being let go.
    /// </summary>
    private bool IsCritical => account.Bytes + WithheldBytes > options.Current.MaximumBufferBytes + options.Current.MaximumBufferBytes / 4;

    /// <summary>So much has to be free before publishers go on, so that they do not stop and go with every message: a quarter.</summary>
    private bool IsRelieved => account.Bytes <= options.Current.MaximumBufferBytes - options.Current.MaximumBufferBytes / 4;

    /// <summary>
    /// Whether acknowledgements are withheld: from the first that was asked about while memory was short until there is room again.
    /// </summary>
    public bool IsWithholding { get; private set; }

    /// <summary>What the acknowledgements take that are withheld, in bytes.</summary>
    public long WithheldBytes { get; set; }

    /// <summary>Whether <see cref="Relieve"/> has something to do although nothing happens.</summary>
    public bool IsReady => _isResuming && _paused.Count > 0;

    /// <summary>An acknowledgement is about to be sent.</summary>
    /// <returns>Whether it is to be withheld.</returns>
    public bool WithholdsAcknowledgements() => IsWithholding |= IsHigh;

    /// <summary>A publisher's message has been dealt with: leaves the publisher unread where nothing else helps.</summary>
    public void AfterPublish(Connection connection)
    {
        if (IsCritical && !connection.IsPaused && connection.Session is { Unacknowledged: 0 })
        {
            _isResuming = false;
            counters.PausedConnections++;
            connection.PausedPlace = _paused.Count;
            _paused.Add(connection);
            connection.Pause();
        }
    }

    /// <summary>
    /// A connection that may be left unread has something to acknowledge, which may free memory, or is about to end: it is read again.
    /// </summary>
    public void Spare(Connection connection, Instant now)
    {
        if (connection.IsPaused)
        {
            Resume(connection, now);
        }
    }

    /// <summary>Lets publishers go on once there is room, in slices. Called once per turn.</summary>
    public void Relieve(Instant now)
    {
        if ((IsWithholding || _paused.Count > 0) && IsRelieved)
        {
            IsWithholding = false;
            _isResuming = true;
        }

        for (var left = ResumedPerTurn; left > 0 && IsReady; left--)
        {
            Resume(_paused[^1], now);
        }
    }

    private void Resume(Connection connection, Instant now)
    {
        var last = _paused[^1];
        _paused[connection.PausedPlace] = last;
        last.PausedPlace = connection.PausedPlace;
        _paused.RemoveAt(_paused.Count - 1);
        counters.PausedConnections--;

        // Its silence was of our making.
        connection.LastHeard = now;
        connection.Unpause();
    }
}
