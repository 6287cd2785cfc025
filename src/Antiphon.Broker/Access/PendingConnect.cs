using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Access;

/// <summary>A CONNECT that waits until its Will has been judged.</summary>
/// <param name="Connect">The packet.</param>
/// <param name="ClientId">The Client Identifier, which may be one that the broker has assigned.</param>
/// <param name="AuthenticationData">The last data of enhanced authentication, for CONNACK.</param>
internal sealed record PendingConnect(ConnectPacket Connect, string ClientId, ReadOnlyMemory<byte>? AuthenticationData);
