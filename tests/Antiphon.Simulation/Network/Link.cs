using Antiphon.Broker;
using Antiphon.Broker.Connections;
using Antiphon.Simulation.Ends;

namespace Antiphon.Simulation.Network;

/// <summary>
/// One Network Connection between a program and the broker. What either end writes is on its way until the run lets it arrive:
/// in parts, late, or not at all.
/// </summary>
internal sealed class Link : ILink
{
    /// <summary>So many bytes fit on the way to one end before the other has to wait; as little as that, so that it happens.</summary>
    private const int Capacity = 16 * 1024;

    private readonly SimulatedBroker _broker;
    private readonly Chance _chance;
    private readonly Trace _trace;
    private readonly Wire _toBroker = new();
    private readonly Wire _toClient = new();
    private Connection? _connection;
    private bool _isPaused;
    private bool _clientIsGone;
    private bool _brokerIsGone;
    private bool _isSilent;

    public Link(SimulatedProcess process, SimulatedBroker broker, Chance chance, Trace trace, int number)
    {
        _broker = broker;
        _chance = chance;
        _trace = trace;
        Name = $"{process.Name}/{number}";
        Stream = new ClientStream(this, process, chance);
    }

    public string Name { get; }

    public ClientStream Stream { get; }

    /// <summary>Whether both ends are done with it.</summary>
    public bool IsOver => _clientIsGone && _brokerIsGone;

    /// <summary>Whether it is broken, but for what is still on its way.</summary>
    public bool IsCut { get; private set; }

    public bool IsFullToBroker => _toBroker.Count >= Capacity && !_isSilent;

    public bool CanAccept => _connection is null && !_brokerIsGone && !_isSilent && Passes(_toBroker);

    public bool CanReachBroker => _connection is not null && !_brokerIsGone && !_isSilent && Passes(_toBroker)
        && (_toBroker.Count > 0 ? !_isPaused : _toBroker.IsEnded);

    public bool CanReachClient => !_clientIsGone && !_isSilent && Passes(_toClient)
        && Stream.IsReading && (_toClient.Count > 0 || _toClient.IsEnded);

    /// <summary>When the next of its directions lets something through again.</summary>
    public TimeSpan? HeldUntil => IsOver || _isSilent ? null
        : _toBroker.HeldUntil > Now && (_toClient.HeldUntil <= Now || _toBroker.HeldUntil < _toClient.HeldUntil) ? _toBroker.HeldUntil
        : _toClient.HeldUntil > Now ? _toClient.HeldUntil
        : null;

    private TimeSpan Now => _broker.Clock.Now;

    // A CONNECT that came behind that of the next connection would take the Session over, and the client would stop for good.
    private bool IsGreeted => _connection is { Phase: not ConnectionPhase.AwaitingConnect };

    /// <summary>The broker hears of it.</summary>
    public void Accept()
    {
        _trace.Add("accepted", Name);
        _connection = _broker.Engine.Open(this, new ConnectionOrigin { Listener = "simulation" }, _broker.Now);
    }

    public void SendToBroker(ReadOnlySpan<byte> bytes)
    {
        _trace.Add("sends", Name, bytes.Length);
        _toBroker.Write(bytes);
    }

    /// <summary>Some of the bytes that are on their way get to the broker, or the end behind them.</summary>
    public void DeliverToBroker()
    {
        if (_toBroker.Count == 0)
        {
            _trace.Add("ends at the broker", Name);
            Flush();
            if (!_brokerIsGone)
            {
                _connection!.Lose("The peer closed the connection.");
                _brokerIsGone = true;
                _toClient.EndAfter(_toClient.Count);
                _broker.Engine.Ended(_connection, _broker.Now);
            }

            return;
        }

        var count = _chance.Part(_toBroker.Count);
        _trace.Add("to the broker", Name, count);
        var wasFull = IsFullToBroker;
        _broker.Engine.Receive(_connection!, _toBroker.Take(count), _broker.Now);
        if (wasFull && !IsFullToBroker)
        {
            Stream.ContinueWriting();
        }
    }

    public bool TryDeliverToClient()
    {
        if (!CanReachClient)
        {
            return false;
        }

        DeliverToClient();
        return true;
    }

    /// <summary>Some of the bytes that are on their way get to the client, or the end behind them.</summary>
    public void DeliverToClient()
    {
        if (_toClient.Count > 0)
        {
            var count = _chance.Part(Math.Min(_toClient.Count, Stream.Room));
            _trace.Add("to the client", Name, count);
            Stream.Arrive(_toClient.Take(count));
            if (_connection is { Output.Length: > 0 } && !_brokerIsGone)
            {
                Flush();
            }

            return;
        }

        _trace.Add("ends at the client", Name);
        if (IsCut)
        {
            Stream.Break();
        }
        else
        {
            Stream.Arrive([]);
        }
    }

    /// <summary>Nothing gets through for a while, in one direction or in both.</summary>
    public void Hold(TimeSpan time)
    {
        _trace.Add("held", Name, (long)time.TotalMilliseconds);
        var which = _chance.Index(3);
        _toBroker.HeldUntil = which == 1 ? _toBroker.HeldUntil : Now + time;
        _toClient.HeldUntil = which == 2 ? _toClient.HeldUntil : Now + time;
    }

    /// <summary>For a while nothing gets through to the client.</summary>
    public void HoldToClient(TimeSpan time) => _toClient.HeldUntil = Now + time;

    /// <summary>For a while nothing gets through to the broker.</summary>
    public void HoldToBroker(TimeSpan time) => _toBroker.HeldUntil = Now + time;

    /// <summary>What holds it lets go.</summary>
    public void LetGo() => _toBroker.HeldUntil = _toClient.HeldUntil = TimeSpan.Zero;

    /// <summary>Breaks it. Some of what is on its way may still arrive, and each end notices when it does.</summary>
    public void Cut()
    {
        _trace.Add("cut", Name);
        IsCut = true;
        _toBroker.EndAfter(IsGreeted ? _chance.Index(_toBroker.Count + 1) : 0);
        _toClient.EndAfter(_chance.Index(_toClient.Count + 1));
        Stream.ContinueWriting();
    }

    /// <summary>Breaks it, and nothing of what is on its way arrives.</summary>
    public void Lose()
    {
        _trace.Add("lost", Name);
        IsCut = true;
        _toBroker.EndAfter(0);
        _toClient.EndAfter(0);
        LetGo();
        Stream.ContinueWriting();
    }

    /// <summary>From now on nothing gets through, and nobody is told.</summary>
    public void FallSilent()
    {
        _trace.Add("falls silent", Name);
        _isSilent = true;
    }

    /// <summary>
    /// The client has closed its end, or is dead. What it had not read is lost, and with that perhaps some of what it had sent.
    /// </summary>
    public void ClientHasClosed()
    {
        if (!_clientIsGone)
        {
            _trace.Add("closed by the client", Name);
            _clientIsGone = true;
            _toBroker.EndAfter(
                !IsGreeted ? 0
                : _toClient.Count > 0 && _chance.Happens(0.5) ? _chance.Index(_toBroker.Count + 1)
                : _toBroker.Count);
        }
    }

    /// <summary>The broker is dead.</summary>
    public void BrokerHasDied()
    {
        _brokerIsGone = true;
        _toClient.EndAfter(_chance.Index(_toClient.Count + 1));
        Stream.ContinueWriting();
    }

    public void Flush()
    {
        var output = _connection!.Output;
        while (output.Length > 0 && !_brokerIsGone)
        {
            if (_toClient.Count >= Capacity)
            {
                return;
            }

            Span<byte> piece = output.IsContiguous ? output.Own.ToArray() : FirstPiece(output);
            if (!_clientIsGone)
            {
                _toClient.Write(piece);
            }

            output.Consume(piece.Length);
        }

        if (_brokerIsGone)
        {
            return;
        }

        _broker.Engine.OutputSent(_connection, _broker.Now);
        if (_connection.Phase == ConnectionPhase.Closing && output.Length == 0)
        {
            _toClient.EndAfter(_toClient.Count);
        }
    }

    public void PauseReading() => _isPaused = true;

    public void ResumeReading() => _isPaused = false;

    public void Abort()
    {
        _trace.Add("closed by the broker", Name);
        _brokerIsGone = true;
        _toClient.EndAfter(_toBroker.Count > 0 && _chance.Happens(0.5) ? _chance.Index(_toClient.Count + 1) : _toClient.Count);
        Stream.ContinueWriting();
    }

    private static Span<byte> FirstPiece(OutputBuffer output)
    {
        var pieces = new ArraySegment<byte>[1];
        output.Pieces(pieces);
        return pieces[0];
    }

    private bool Passes(Wire wire) => wire.HeldUntil <= Now;
}
