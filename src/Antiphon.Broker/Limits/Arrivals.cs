using System.Diagnostics.CodeAnalysis;
using System.Net;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;

namespace Antiphon.Broker.Limits;

/// <summary>
/// Connections on their way in, until their CONNECT is there: how many there may be in all, how many of one address, how often they may
/// come. Owned by the engine's thread.
/// </summary>
/// <remarks>
/// Whoever comes beyond a bound is told so in CONNACK, but has only a quarter of the room of those that wait, and keeps nobody else out.
/// Where an address has twice as many connections as it may, the next is closed as soon as it comes.
/// </remarks>
internal sealed class Arrivals(BrokerOptions options, EngineCounters counters)
{
    /// <summary>So many seconds' worth of connections may come at once.</summary>
    private const long Burst = 10 * TokenBucket.Second;

    /// <summary>Who comes beyond a bound has one in so many of the places.</summary>
    private const int ShareOfUnwelcome = 4;

    // By age, the oldest first.
    private readonly LinkedList<Connection> _welcome = [];
    private readonly LinkedList<Connection> _unwelcome = [];

    private readonly AddressTable _addresses = new();
    private TokenBucket _connects;

    /// <summary>Connections that have not sent CONNECT yet.</summary>
    public int Pending => _welcome.Count + _unwelcome.Count;

    /// <summary>How many addresses are remembered.</summary>
    public int Addresses => _addresses.Count;

    /// <summary>Asked before there is a connection: whether its address may open it at all, be it to be refused in words.</summary>
    /// <param name="remote">The address; of one behind a proxy it is not known yet.</param>
    public bool MayOpen(EndPoint? remote)
    {
        if (_addresses.Find(remote) is { } address && IsExcessive(address.Connections + 1))
        {
            counters.RefusedByAddress++;
            return false;
        }

        return true;
    }

    /// <summary>A connection was opened; whose it is, a proxy has still to say, or <see cref="TryIdentify"/> is next.</summary>
    public void Open(Connection connection) => Append(_welcome, connection);

    /// <summary>The address of the other end is known, and stands in <see cref="Connection.Origin"/>.</summary>
    /// <returns><c>false</c>: it is to be closed at once.</returns>
    public bool TryIdentify(Connection connection, Instant now)
    {
        var address = _addresses.Enter(connection.Origin.RemoteEndPoint, now);
        connection.Address = address;
        connection.Verdict = Judge(address, now);
        switch (connection.Verdict)
        {
            case ArrivalVerdict.Welcome:
                return true;
            case ArrivalVerdict.TooManyOfAddress:
                counters.RefusedByAddress++;
                break;
            default:
                counters.RefusedByConnectRate++;
                break;
        }

        if (connection.Pending is { List: not null } node)
        {
            node.List.Remove(node);
            Append(_unwelcome, connection);
        }

        return address is null || !IsExcessive(address.Connections);
    }

    /// <summary>CONNECT has come, or never will.</summary>
    public static void Heard(Connection connection)
    {
        if (connection.Pending is { } node)
        {
            node.List?.Remove(node);
            connection.Pending = null;
        }
    }

    /// <summary>The connection is gone.</summary>
    public void End(Connection connection, Instant now)
    {
        Heard(connection);
        if (connection.Address is { } address)
        {
            connection.Address = null;
            _addresses.Leave(address, now);
        }
    }

    /// <summary>The connection that has waited longest with its CONNECT, while more wait than may.</summary>
    public bool IsExcessive([NotNullWhen(true)] out Connection? oldest)
    {
        oldest = _unwelcome.Count > Math.Max(options.MaximumPendingConnections / ShareOfUnwelcome, 1) ? _unwelcome.First!.Value
            : Pending > options.MaximumPendingConnections ? (_unwelcome.First ?? _welcome.First)!.Value
            : null;
        return oldest is not null;
    }

    /// <summary>Why the CONNECT of a connection is refused, if it is.</summary>
    public Fault Explain(Connection connection) => connection.Verdict switch
    {
        ArrivalVerdict.Welcome => default,
        ArrivalVerdict.TooManyOfAddress => new Fault(
            ReasonCode.QuotaExceeded,
            $"There are {options.MaximumConnectionsPerAddress} connections from this address, which is as many as may be "
                + "(MQTT 5 §3.2.2.2)."),
        ArrivalVerdict.TooOftenOfAddress => new Fault(
            ReasonCode.ConnectionRateExceeded,
            $"This address has connected more than {options.MaximumConnectsPerSecondPerAddress} times a second (MQTT 5 §3.2.2.2)."),
        _ => new Fault(
            ReasonCode.ConnectionRateExceeded,
            $"More than {options.MaximumConnectsPerSecond} clients a second have connected; try again later (MQTT 5 §3.2.2.2)."),
    };

    private static void Append(LinkedList<Connection> list, Connection connection) =>
        list.AddLast(connection.Pending ??= new LinkedListNode<Connection>(connection));

    private static long CostOf(int perSecond) => TokenBucket.Second / perSecond;

    /// <summary>Attempts that are refused use nothing of a rate: whoever keeps trying gets in once it is his turn.</summary>
    private ArrivalVerdict Judge(ClientAddress? address, Instant now)
    {
        var bound = options.MaximumConnectionsPerAddress;
        if (bound > 0 && address is not null && address.Connections > bound)
        {
            return ArrivalVerdict.TooManyOfAddress;
        }

        var at = TokenBucket.At(now);
        var perAddress = address is null ? 0 : options.MaximumConnectsPerSecondPerAddress;
        if (perAddress > 0 && !address!.Connects.HasRoom(at, Burst, CostOf(perAddress)))
        {
            return ArrivalVerdict.TooOftenOfAddress;
        }

        if (options.MaximumConnectsPerSecond > 0)
        {
            var cost = CostOf(options.MaximumConnectsPerSecond);
            if (!_connects.HasRoom(at, Burst, cost))
            {
                return ArrivalVerdict.TooOften;
            }

            _connects.Take(at, cost);
        }

        if (perAddress > 0)
        {
            address!.Connects.Take(at, CostOf(perAddress));
        }

        return ArrivalVerdict.Welcome;
    }

    private bool IsExcessive(int connections) =>
        options.MaximumConnectionsPerAddress > 0 && connections > 2L * options.MaximumConnectionsPerAddress;
}
