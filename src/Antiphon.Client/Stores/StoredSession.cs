using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>What an <see cref="ISessionStore"/> holds.</summary>
public sealed record StoredSession
{
    /// <summary>Whose Session it is.</summary>
    public required string ClientId { get; init; }

    /// <summary>The version that the packets are written in.</summary>
    public required ProtocolVersion ProtocolVersion { get; init; }

    /// <summary>The PUBLISH packets without PUBACK or PUBREC, in the order in which they were added.</summary>
    public IReadOnlyList<StoredPublish> Publishes { get; init; } = [];

    /// <summary>
    /// The Packet Identifiers of those that have their PUBREC and wait for PUBCOMP, in the order in which they were released.
    /// </summary>
    public IReadOnlyList<PacketIdentifier> Released { get; init; } = [];

    /// <summary>The Packet Identifiers of received QoS 2 messages that wait for PUBREL.</summary>
    public IReadOnlyList<PacketIdentifier> Received { get; init; } = [];
}

/// <summary>A PUBLISH that has no PUBACK or PUBREC.</summary>
/// <param name="Identifier">Its Packet Identifier.</param>
/// <param name="Packet">The whole packet.</param>
public sealed record StoredPublish(PacketIdentifier Identifier, ReadOnlyMemory<byte> Packet);
