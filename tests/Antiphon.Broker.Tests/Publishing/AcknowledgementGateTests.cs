using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>Acknowledgements that wait for a commit; those that wait for memory are in MemoryPressureTests.</summary>
public sealed class AcknowledgementGateTests
{
    private readonly BufferPool _buffers = new();
    private readonly EngineCounters _counters = new();
    private readonly AcknowledgementGate _gate;
    private readonly Connection _first;
    private readonly Connection _second;

    public AcknowledgementGateTests()
    {
        var pressure = new MemoryPressure(new OptionsInForce(new BrokerOptions()), _buffers.Account, _counters);
        _gate = new AcknowledgementGate(pressure, new FlushList(), _counters);
        _first = Open("first");
        _second = Open("second");
    }

    [Fact]
    public void An_acknowledgement_leaves_when_its_commit_is_done_and_not_before()
    {
        Acknowledge(_first, 1, afterCommit: 1);
        Acknowledge(_first, 2, afterCommit: 2);
        _gate.Release();
        Assert.Empty(Left(_first));
        Assert.Equal(2, _counters.WithheldAcknowledgements);

        _gate.Committed(1);
        _gate.Release();
        Assert.Equal([1], Left(_first));

        _gate.Committed(2);
        _gate.Release();
        Assert.Equal([1, 2], Left(_first));
        Assert.Equal(0, _counters.WithheldAcknowledgements);
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    public void What_needs_no_commit_waits_behind_what_the_same_connection_waits_for_and_for_nobody_else()
    {
        Acknowledge(_first, 1, afterCommit: 1);
        Acknowledge(_first, 2, AcknowledgementGate.NoCommit);
        Acknowledge(_second, 1, AcknowledgementGate.NoCommit);
        _gate.Release();

        Assert.Empty(Left(_first));
        Assert.Equal([1], Left(_second));

        _gate.Committed(1);
        _gate.Release();
        Acknowledge(_first, 3, afterCommit: 1);
        Assert.Equal([1, 2, 3], Left(_first));
    }

    [Fact]
    public void Who_has_gone_meanwhile_is_not_told_and_holds_nobody_up()
    {
        Acknowledge(_first, 1, afterCommit: 1);
        Acknowledge(_second, 1, afterCommit: 1);
        _first.Session = null;

        _gate.Committed(1);
        _gate.Release();

        Assert.Empty(Left(_first));
        Assert.Equal([1], Left(_second));
        Assert.Equal(0, _counters.WithheldAcknowledgements);
    }

    [Fact]
    public void Very_many_leave_in_slices_and_in_order()
    {
        const int Count = 3 * AcknowledgementGate.ReleasedPerTurn;
        for (var i = 1; i <= Count; i++)
        {
            Acknowledge(_first, (ushort)i, afterCommit: 1);
        }

        _gate.Committed(1);
        _gate.Release();
        Acknowledge(_first, Count + 1, AcknowledgementGate.NoCommit);
        Assert.Equal(AcknowledgementGate.ReleasedPerTurn, Left(_first).Count());

        while (_gate.IsReady)
        {
            _gate.Release();
        }

        Assert.Equal(Enumerable.Range(1, Count + 1), Left(_first));
    }

    private Connection Open(string clientId)
    {
        var link = new TestLink(new HandTurnedBroker());
        var origin = new ConnectionOrigin { Listener = "test" };
        return new Connection(
            link, origin, new BrokerOptions(), _buffers, new MessagePool(_buffers), new Instant(TimeSpan.Zero))
        { Session = new Session(clientId) };
    }

    private void Acknowledge(Connection connection, ushort identifier, long afterCommit) =>
        _gate.Acknowledge(
            connection, connection.Session!, PacketType.PubAck, new(identifier), ReasonCode.Success, reason: null, afterCommit);

    /// <summary>The identifiers of the PUBACKs that have been written; each is four bytes.</summary>
    private static IEnumerable<int> Left(Connection connection) =>
        connection.Output.Own.ToArray().Chunk(4).Select(puback => puback[2] << 8 | puback[3]);
}
