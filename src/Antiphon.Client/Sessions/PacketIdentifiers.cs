using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Sessions;

/// <summary>How this client uses the Packet Identifiers of its Session (MQTT 5 §2.2.1).</summary>
internal static class PacketIdentifiers
{
    /// <summary>How many PUBLISH may hold one; the rest is left to SUBSCRIBE and UNSUBSCRIBE.</summary>
    public const int MaximumPublishes = 60_000;

    /// <summary>What to say of an acknowledgement whose identifier waits for something else, or for nothing.</summary>
    public static Fault Unexpected(PacketType type, PacketIdentifier identifier) =>
        Fault.Protocol($"{type} has the Packet Identifier {identifier}, which nothing waits for (MQTT 5 §4.3).");
}
