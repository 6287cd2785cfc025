namespace Antiphon.Protocol;

/// <summary>How often a message may arrive (MQTT 5 §4.3).</summary>
public enum QualityOfService : byte
{
    /// <summary>QoS 0: at most once. Nothing acknowledges it.</summary>
    AtMostOnce = 0,

    /// <summary>QoS 1: at least once. Acknowledged by PUBACK, may arrive again with DUP.</summary>
    AtLeastOnce = 1,

    /// <summary>QoS 2: exactly once. PUBREC, PUBREL and PUBCOMP.</summary>
    ExactlyOnce = 2,
}
