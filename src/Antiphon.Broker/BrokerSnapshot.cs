using Antiphon.Protocol;

namespace Antiphon.Broker;

/// <summary>What a broker holds at one moment: all of it is of the same moment. Immutable.</summary>
public sealed record BrokerSnapshot
{
    /// <summary>How long the broker has been running.</summary>
    public required TimeSpan Uptime { get; init; }

    /// <summary>Its figures, among them how many Sessions, connections and open exchanges there are.</summary>
    public required BrokerCounters Counters { get; init; }

    /// <summary>
    /// Its connections, in no particular order, up to as many as were asked for;
    /// <see cref="BrokerCounters.Connections"/> says how many there are.
    /// </summary>
    public required IReadOnlyList<ConnectionSnapshot> Connections { get; init; }
}

/// <summary>A Network Connection at one moment. Immutable.</summary>
public sealed record ConnectionSnapshot
{
    /// <summary>Where it comes from.</summary>
    public required ConnectionOrigin Origin { get; init; }

    /// <summary>The Client Identifier; <c>null</c>: no CONNECT has come yet.</summary>
    public string? ClientId { get; init; }

    /// <summary>Who its client has proved to be; <c>null</c>: nobody in particular.</summary>
    public string? UserName { get; init; }

    /// <summary>The version of MQTT that its client speaks; <c>null</c>: no CONNECT has come yet.</summary>
    public ProtocolVersion? ProtocolVersion { get; init; }

    /// <summary>Whether its CONNECT was accepted and it is not closing.</summary>
    public bool IsConnected { get; init; }

    /// <summary>Bytes that wait to be written to it.</summary>
    public long OutputBytes { get; init; }

    /// <summary>How long it has been open.</summary>
    public TimeSpan OpenFor { get; init; }

    /// <summary>How long ago the last whole packet came.</summary>
    public TimeSpan SilentFor { get; init; }

    /// <summary>Its Keep Alive; zero: none, or not known yet.</summary>
    public TimeSpan KeepAlive { get; init; }
}
