namespace Antiphon.Protocol.Packets;

/// <summary>The Will Message of a CONNECT: what the server publishes when the client is lost (MQTT 5 §3.1.2.5).</summary>
/// <param name="Message">Topic, payload, QoS, RETAIN and properties of the Will Message.</param>
public sealed record Will(ApplicationMessage Message)
{
    /// <summary>Seconds that the server waits before it publishes; <c>null</c> means 0 (§3.1.3.2.2).</summary>
    public uint? DelayInterval { get; init; }
}
