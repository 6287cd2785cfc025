using System.Collections.Concurrent;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Broker.Transport;

/// <summary>
/// What every loop has around the engine: its clock, the commands that other threads give it, and the end of each turn.
/// The thread that runs the loop owns the engine and everything here but <see cref="Post"/>.
/// </summary>
internal sealed partial class EngineShell
{
    /// <summary>What happens again and again is a line in the log so often.</summary>
    private static readonly TimeSpan LinePause = TimeSpan.FromMinutes(1);

    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ILogger _logger;
    private readonly Action _wake;
    private readonly ConnectionLog _connections;
    private readonly AuthenticationRunner _authentications;
    private Instant _nextTurnedAwayLine;
    private Instant _nextPauseLine;
    private int _woken;

    /// <summary>A shell around a new engine.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Clock and log.</param>
    /// <param name="wake">Ends the loop's wait; safe from any thread.</param>
    public EngineShell(BrokerEngine engine, BrokerOptions options, Action wake)
    {
        Engine = engine;
        _time = options.TimeProvider;
        _started = _time.GetTimestamp();
        _logger = new GuardedLogger(options.LoggerFactory.CreateLogger("Antiphon.Broker"));
        _connections = new ConnectionLog(_logger, engine.Events);
        engine.Events.IsWatched = options.LoggerFactory is not NullLoggerFactory;
        _wake = wake;
        _authentications = new AuthenticationRunner(this, _logger, options.MaximumConcurrentAuthentications);
    }

    public BrokerEngine Engine { get; }

    /// <summary>The instant of this turn.</summary>
    public Instant Now { get; private set; }

    /// <summary>Whether the broker is to stop.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Whether the loop may end: it is to stop, and everyone has gone.</summary>
    public bool IsDone => IsStopping && Engine.Counters.Connections == 0 && _commands.IsEmpty;

    /// <summary>Has the loop's thread do something. Safe from any thread.</summary>
    public void Post(Action command)
    {
        _commands.Enqueue(command);
        if (Interlocked.Exchange(ref _woken, 1) == 0)
        {
            _wake();
        }
    }

    /// <summary>How long the loop may wait for something to happen.</summary>
    /// <param name="alsoDue">What the loop itself has to do.</param>
    /// <returns>Milliseconds; −1: for ever.</returns>
    public int WaitMilliseconds(Instant alsoDue)
    {
        if (Engine.HasWork || !_commands.IsEmpty)
        {
            return 0;
        }

        var next = Instant.Earlier(Engine.NextDeadline, alsoDue);
        return next == Instant.Never ? -1 : (int)Math.Clamp(Math.Ceiling((next - ReadClock()).TotalMilliseconds), 0, int.MaxValue);
    }

    /// <summary>A turn begins.</summary>
    public void Begin() => Now = ReadClock();

    /// <summary>Does what other threads have asked for.</summary>
    public void RunCommands()
    {
        // Exchanged and not stored: whoever posts puts a command into the queue and then looks at the flag, and here it is the other way
        // round. A plain store might become visible after the queue was looked at, and then neither would see the other.
        Interlocked.Exchange(ref _woken, 0);
        for (var count = _commands.Count; count > 0 && _commands.TryDequeue(out var command); count--)
        {
            try
            {
                command();
            }
            catch (Exception defect) when (defect is not OutOfMemoryException)
            {
                LogDefect(_logger, defect);
            }
        }
    }

    /// <summary>A turn ends: does what is due, hands out all output, and writes the log.</summary>
    public void Finish()
    {
        try
        {
            while (Engine.TryTakeStep(out var step))
            {
                _authentications.Start(step);
            }

            Engine.Advance(Now);
            Engine.Flush(Now);
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // What is still to be flushed is flushed in the next turn, which comes at once.
            LogDefect(_logger, defect);
        }

        _connections.Write();
    }

    /// <summary>A defect of ours ends the connection that met it, never the broker.</summary>
    public void Fail(Connection connection, Exception defect)
    {
        LogDefect(_logger, defect);
        Engine.Abort(connection, new Fault(ReasonCode.UnspecifiedError, "The broker failed: " + defect.Message), Now);
    }

    /// <summary>No connection can be accepted for now. On the loop's thread. The log tells it once in a while.</summary>
    public void PauseAccepting(string error)
    {
        if (_nextPauseLine <= Now)
        {
            _nextPauseLine = Now + LinePause;
            LogAcceptPaused(_logger, error, ListeningSocket.AcceptPause.TotalMilliseconds);
        }
    }

    /// <summary>
    /// A connection was closed as soon as it came, because there is no descriptor for it. On the loop's thread.
    /// However many there are, the log tells it once in a while.
    /// </summary>
    public void TurnAway()
    {
        Engine.Counters.TurnedAway++;
        if (_nextTurnedAwayLine <= Now)
        {
            _nextTurnedAwayLine = Now + LinePause;
            LogTurnedAway(_logger, Engine.Counters.Connections, Engine.Counters.TurnedAway);
        }
    }

    /// <summary>How many connections the process has room for.</summary>
    /// <param name="limit">Its limit of descriptors.</param>
    /// <param name="maximumConnections">How many clients may be connected as far as the options are concerned.</param>
    public void LogRoom(DescriptorLimit limit, int maximumConnections) =>
        LogRoom(_logger, limit.Maximum, limit.InUse, limit.Room, maximumConnections);

    /// <summary>Says goodbye to everyone; the loop ends when all have gone.</summary>
    public void Stop()
    {
        IsStopping = true;
        Engine.DismissAll(Now);
    }

    private Instant ReadClock() => new(_time.GetElapsedTime(_started));
}
