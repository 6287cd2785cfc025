using System.Collections.Concurrent;
using System.Net;
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
    private readonly AuthorizationRunner? _authorizations;
    private Instant _nextTurnedAwayLine;
    private Instant _nextPauseLine;
    private Instant _nextAddressLine;

    // 1: the loop has been woken and has not looked at the commands since. See Post.
    private int _woken;
    private int _ended;

    /// <summary>A shell around a new engine.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Clock and log.</param>
    /// <param name="wake">Ends the loop's wait; safe from any thread.</param>
    public EngineShell(BrokerEngine engine, BrokerOptions options, Action wake)
    {
        Engine = engine;
        _time = options.TimeProvider;
        _started = _time.GetTimestamp();
        _logger = new GuardedLogger(options.LoggerFactory.CreateLogger("Antiphon.Broker"), engine.Counters);
        _connections = new ConnectionLog(_logger, engine.Events);
        engine.Events.IsWatched = options.LoggerFactory is not NullLoggerFactory;
        _wake = wake;
        _authentications = new AuthenticationRunner(this, _logger, options.MaximumConcurrentAuthentications);
        _authorizations = options.Authorizer is { } authorizer
            ? new AuthorizationRunner(this, _logger, authorizer, options.MaximumConcurrentAuthorizations)
            : null;
    }

    public BrokerEngine Engine { get; }

    /// <summary>The instant of this turn.</summary>
    public Instant Now { get; private set; }

    /// <summary>Whether the broker is to stop.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Whether the loop may end: it is to stop, and everyone has gone.</summary>
    public bool IsDone => IsStopping && Engine.Counters.Connections == 0 && _commands.IsEmpty;

    /// <summary>Has the loop's thread do something, or this one, once the loop has ended. Safe from any thread.</summary>
    /// <remarks>
    /// Who posts writes the queue and then reads and sets <c>_woken</c>; the loop clears <c>_woken</c> and then reads the queue.
    /// Between write and read both need a full fence: with a plain store the processor may let the loop read first, see an empty queue,
    /// and clear the flag only after the poster has seen it set. Then nobody wakes the loop.
    /// In the same way the poster's exchange stands between its write and its look at <c>_ended</c>,
    /// and that of <see cref="End"/> between its write of <c>_ended</c> and its look at the queue: one of the two sees the other.
    /// </remarks>
    public void Post(Action command)
    {
        _commands.Enqueue(command);
        if (Interlocked.Exchange(ref _woken, 1) == 0)
        {
            _wake();
        }

        if (Volatile.Read(ref _ended) != 0)
        {
            RunLeft();
        }
    }

    /// <summary>
    /// The loop has ended: what is still asked for finds a broker that has stopped. Connections are turned away, questions answered.
    /// </summary>
    public void End()
    {
        Interlocked.Exchange(ref _ended, 1);
        RunLeft();
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
        // Exchanged and not stored, see Post.
        Interlocked.Exchange(ref _woken, 0);
        for (var count = _commands.Count; count > 0 && _commands.TryDequeue(out var command); count--)
        {
            Run(command);
        }
    }

    /// <summary>What a host gave the broker has thrown, or the broker's own code has; nothing but this is left of it.</summary>
    public void Report(Exception defect)
    {
        Engine.Counters.AddDefect();
        LogDefect(_logger, defect);
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

            while (Engine.TryTakeQuestion(out var question))
            {
                _authorizations!.Start(question);
            }

            if (Engine.HasPresence)
            {
                Engine.TellPresence(_time.GetUtcNow(), Now);
            }

            Engine.Advance(Now);
            Engine.Flush(Now);
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // What is still to be flushed is flushed in the next turn, which comes at once.
            Report(defect);
        }

        _connections.Write();
    }

    /// <summary>A defect of ours ends the connection that met it, never the broker.</summary>
    public void Fail(Connection connection, Exception defect)
    {
        Report(defect);
        try
        {
            Engine.Abort(connection, new Fault(ReasonCode.UnspecifiedError, "The broker failed: " + defect.Message), Now);
        }
        catch (Exception another) when (another is not OutOfMemoryException)
        {
            Report(another);
        }
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

    /// <summary>
    /// Whether a connection is let in, be it to be refused in words. If not, it is to be closed. On the loop's thread.
    /// However many there are, the log tells it once in a while.
    /// </summary>
    /// <param name="remote">The address of the other end; <c>null</c>: it has none, or a proxy will say it.</param>
    public bool LetsIn(EndPoint? remote)
    {
        if (Engine.MayOpen(remote))
        {
            return true;
        }

        if (_nextAddressLine <= Now)
        {
            _nextAddressLine = Now + LinePause;
            LogAddressRefused(_logger, remote, Engine.Counters.RefusedByAddress);
        }

        return false;
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

    private void RunLeft()
    {
        // Several threads may post to a loop that has ended; what they ask for is still done one by one.
        lock (_commands)
        {
            while (_commands.TryDequeue(out var command))
            {
                Run(command);
            }
        }
    }

    private void Run(Action command)
    {
        try
        {
            command();
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            Report(defect);
        }
    }

    private Instant ReadClock() => new(_time.GetElapsedTime(_started));
}
