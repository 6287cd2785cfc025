using Antiphon.Protocol;

namespace Antiphon.Client.Receiving;

/// <summary>What a received message is completed by.</summary>
/// <param name="Connection">The connection that it came by; without meaning with QoS 2, which outlives connections.</param>
/// <param name="Sequence">Its number among the connection's messages, with QoS 2 its <see cref="Reception.Token"/>.</param>
/// <param name="Identifier">With QoS 2 its Packet Identifier; none with QoS 1.</param>
internal readonly record struct Ticket(uint Connection, uint Sequence, PacketIdentifier Identifier);
