using Antiphon.Protocol.Properties;

namespace Antiphon.Protocol;

/// <summary>
/// An Application Message (MQTT 5 §1.2): what a publisher says, without what belongs to one delivery of it.
/// Immutable; safe to share between threads as long as nobody writes to the memory
/// behind <see cref="Payload"/> and <see cref="CorrelationData"/>.
/// </summary>
public sealed record ApplicationMessage
{
    /// <summary>The Topic Name: 1 to 65,535 bytes in UTF-8, no wildcards.</summary>
    public required string Topic { get; init; }

    /// <summary>The payload; may be empty.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The QoS asked for, or the QoS it arrived with.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>The RETAIN flag.</summary>
    public bool Retain { get; init; }

    /// <summary>
    /// <c>true</c>: the payload is UTF-8 text; <c>false</c>: bytes; <c>null</c>: not said, which means bytes (§3.3.2.3.2).
    /// </summary>
    public bool? PayloadIsUtf8 { get; init; }

    /// <summary>Seconds that the message may still wait for delivery; <c>null</c>: it does not expire (§3.3.2.3.3).</summary>
    public uint? MessageExpiryInterval { get; init; }

    /// <summary>What the payload is, for instance a MIME type; <c>null</c>: not said (§3.3.2.3.9).</summary>
    public string? ContentType { get; init; }

    /// <summary>Where the Response Message goes: a Topic Name. A message that has one is a Request Message (§3.3.2.3.5).</summary>
    public string? ResponseTopic { get; init; }

    /// <summary>
    /// What a Response Message repeats, so that its requester knows which request it answers; <c>null</c>: none (§3.3.2.3.6).
    /// </summary>
    public ReadOnlyMemory<byte>? CorrelationData { get; init; }

    /// <summary>User Properties in their order; never <c>null</c>.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];
}
