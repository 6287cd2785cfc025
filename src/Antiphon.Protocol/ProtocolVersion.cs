namespace Antiphon.Protocol;

/// <summary>The protocol version byte of CONNECT (MQTT 5 §3.1.2.2). Everything in this library takes it as a parameter.</summary>
public enum ProtocolVersion : byte
{
    /// <summary>MQTT 3.1.1: no properties, no Reason Codes outside CONNACK and SUBACK.</summary>
    V311 = 4,

    /// <summary>MQTT 5.0.</summary>
    V5 = 5,
}
