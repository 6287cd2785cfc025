using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>A PUBACK or PUBREC that has to wait.</summary>
/// <param name="Connection">Over which its message came; once that has ended, nobody is told.</param>
/// <param name="Answer">PUBACK or PUBREC.</param>
/// <param name="Identifier">The message's Packet Identifier.</param>
/// <param name="Code">What to say.</param>
/// <param name="Reason">Why, if that is known better than the code says it.</param>
/// <param name="Commit">The commit that has to be done first.</param>
internal readonly record struct HeldAcknowledgement(
    Connection Connection, PacketType Answer, PacketIdentifier Identifier, ReasonCode Code, string? Reason, long Commit);
