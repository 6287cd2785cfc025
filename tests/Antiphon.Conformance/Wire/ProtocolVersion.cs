namespace Antiphon.Conformance.Wire;

/// <summary>The versions of MQTT that a case can speak; the value is the protocol level of CONNECT.</summary>
internal enum ProtocolVersion : byte
{
    V311 = 4,
    V5 = 5,
}
