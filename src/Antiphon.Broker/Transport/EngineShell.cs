using System.Collections.Concurrent;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

/// <summary>
/// What every loop has around the engine: its clock, the commands that other threads give it, and the end of each turn.
/// The thread that runs the loop owns the engine and everything here but <see cref="Post"/>.
/// </summary>
internal sealed partial class EngineShell
{
    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ILogger _logger;
    private readonly Action _wake;
    private readonly AuthenticationRunner _authentications;
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

    /// <summary>A turn ends: does what is due, and hands out all output.</summary>
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
    }

    /// <summary>A defect of ours ends the connection that met it, never the broker.</summary>
    public void Fail(Connection connection, Exception defect)
    {
        LogDefect(_logger, defect);
        Engine.Abort(connection, new Fault(ReasonCode.UnspecifiedError, "The broker failed: " + defect.Message), Now);
    }

    /// <summary>A connection is closed.</summary>
    public void LogEnd(Connection connection) =>
        LogClosed(_logger, connection.ClientId, connection.CloseReason.Code, connection.CloseReason.Message);

    /// <summary>No connection could be accepted for now.</summary>
    public void LogNoAccept(string error, TimeSpan pause) => LogAcceptPaused(_logger, error, pause.TotalMilliseconds);

    /// <summary>Says goodbye to everyone; the loop ends when all have gone.</summary>
    public void Stop()
    {
        IsStopping = true;
        Engine.DismissAll(Now);
    }

    private Instant ReadClock() => new(_time.GetElapsedTime(_started));
}
