namespace Antiphon.Protocol;

/// <summary>The number that ties an acknowledgement to its packet (MQTT 5 §2.2.1): 1 to 65,535.</summary>
/// <param name="Value">1 to 65,535; 0 means that the packet carries none.</param>
public readonly record struct PacketIdentifier(ushort Value)
{
    /// <summary>No Packet Identifier, as in a QoS 0 PUBLISH [MQTT-2.2.1-2].</summary>
    public static PacketIdentifier None => default;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
