using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;

namespace Antiphon.Client;

/// <summary>How to subscribe (MQTT 5 §3.8.3.1), and how the handler is called.</summary>
public sealed record SubscribeOptions
{
    /// <summary>
    /// The highest QoS to receive with, 0 to 2. With 2 a message comes to its handler once,
    /// also when the connection is lost meanwhile (MQTT 5 §4.3.3).
    /// </summary>
    public QualityOfService MaximumQoS { get; init; } = QualityOfService.AtLeastOnce;

    /// <summary>Whether to leave out what this client publishes itself. Not with a shared subscription [MQTT-3.8.3-4].</summary>
    public bool NoLocal { get; init; }

    /// <summary>Whether messages keep the RETAIN flag that they were published with.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>Which retained messages the server sends at the start.</summary>
    public RetainHandling RetainHandling { get; init; }

    /// <summary>
    /// How many messages of the subscription may be in the handler at once, 1 or more; 1 keeps their order.
    /// Without meaning for raw handlers.
    /// </summary>
    public int MaximumConcurrency { get; init; } = 1;

    /// <summary>
    /// How many messages may wait for the handler, 1 or more. Beyond it the newest QoS 0 message is dropped and counted;
    /// QoS 1 and 2 messages are never dropped, <see cref="MqttClientOptions.ReceiveMaximum"/> bounds them.
    /// Without meaning for raw handlers.
    /// </summary>
    public int MaximumQueuedMessages { get; init; } = 1000;

    /// <summary>User Properties of the SUBSCRIBE in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Checks everything and reports all mistakes together.</summary>
    /// <exception cref="ArgumentException">What is wrong, one sentence each.</exception>
    internal void Validate(in TopicFilter filter, ProtocolVersion version)
    {
        var mistakes = new List<string>();
        var needsV5 = NoLocal || RetainAsPublished || RetainHandling != RetainHandling.SendOnSubscribe
            || UserProperties is { Count: > 0 } || filter.IsShared;
        if (version == ProtocolVersion.V311 && needsV5)
        {
            mistakes.Add(
                "MQTT 3.1.1 has no NoLocal, RetainAsPublished, RetainHandling, UserProperties and shared subscriptions; "
                + "connect with MQTT 5 for them.");
        }

        if (MaximumQoS > QualityOfService.ExactlyOnce)
        {
            mistakes.Add($"MaximumQoS is {(int)MaximumQoS}; there are 0 to 2 (MQTT 5 §3.8.3.1).");
        }

        if (NoLocal && filter.IsShared)
        {
            mistakes.Add("NoLocal is not allowed on a shared subscription [MQTT-3.8.3-4].");
        }

        if (RetainHandling > RetainHandling.DoNotSend)
        {
            mistakes.Add($"RetainHandling is {(int)RetainHandling}; there are 0 to 2 (MQTT 5 §3.8.3.1).");
        }

        if (MaximumConcurrency < 1)
        {
            mistakes.Add($"MaximumConcurrency is {MaximumConcurrency}; it has to be 1 or more.");
        }

        if (MaximumQueuedMessages < 1)
        {
            mistakes.Add($"MaximumQueuedMessages is {MaximumQueuedMessages}; it has to be 1 or more.");
        }

        if (UserProperties is null)
        {
            mistakes.Add("UserProperties is null; leave it empty instead.");
        }

        if (mistakes.Count > 0)
        {
            throw new ArgumentException($"The subscription's options are not valid. {string.Join(' ', mistakes)}");
        }
    }
}
