using Antiphon.Protocol;

namespace Antiphon.Broker.Authentication;

/// <summary>What a client says of itself in CONNECT (MQTT 5 §3.1), and where it connects from. Immutable.</summary>
public sealed record ConnectingClient
{
    /// <summary>The Client Identifier; empty: the broker will assign one.</summary>
    public required string ClientId { get; init; }

    /// <summary>User name; <c>null</c>: none.</summary>
    public string? UserName { get; init; }

    /// <summary>Password, as it came; <c>null</c>: none, as in re-authentication. MQTT 5 allows one without a user name.</summary>
    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>Where it connects from: listener, address, TLS and certificate.</summary>
    public required ConnectionOrigin Origin { get; init; }

    /// <summary>The version of MQTT that it speaks.</summary>
    public required ProtocolVersion ProtocolVersion { get; init; }

    /// <summary>Everything but the password, so that it gets into no log.</summary>
    public override string ToString() =>
        $"«{ClientId}», user «{UserName}», {ProtocolVersion}, from {Origin.RemoteEndPoint} at {Origin.Listener}";
}
