using Antiphon.Protocol.Packets;

namespace Antiphon.Cli.Demo;

/// <summary>The two clients of the demo.</summary>
internal enum Side
{
    /// <summary>The requester.</summary>
    Controller,

    /// <summary>The responder.</summary>
    Device,
}

/// <summary>Something that happened on a journey.</summary>
/// <param name="Side">On whose side of the broker.</param>
/// <param name="Timestamp">When, as the clock's timestamp.</param>
internal abstract record Step(Side Side, long Timestamp);

/// <summary>A packet passed a tap.</summary>
internal sealed record PacketStep(Side Side, bool ToBroker, long Timestamp, Packet Packet) : Step(Side, Timestamp);

/// <summary>A client of the demo did something that is not a packet.</summary>
internal sealed record DeedStep(Side Side, long Timestamp, string Deed) : Step(Side, Timestamp);
