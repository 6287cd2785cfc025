namespace Antiphon.Protocol;

/// <summary>Why a packet is not acceptable: the Reason Code to answer with and a sentence that names the rule (MQTT 5 §4.13).</summary>
/// <param name="Code">
/// The Reason Code for the CONNACK or DISCONNECT, 0x80 or above; <see cref="ReasonCode.Success"/> when there is no fault.
/// </param>
/// <param name="Message">What was seen, what is allowed and where the rule is; <c>null</c> when there is no fault.</param>
public readonly record struct Fault(ReasonCode Code, string? Message)
{
    /// <summary>Whether there is a fault at all.</summary>
    public bool Exists => Code != ReasonCode.Success;

    /// <summary>A packet that cannot be parsed: 0x81.</summary>
    /// <param name="message">What was seen, what is allowed and where the rule is.</param>
    public static Fault Malformed(string message) => new(ReasonCode.MalformedPacket, message);

    /// <summary>A packet that can be parsed, but is against the rules: 0x82.</summary>
    /// <param name="message">What was seen, what is allowed and where the rule is.</param>
    public static Fault Protocol(string message) => new(ReasonCode.ProtocolError, message);
}
