namespace Antiphon.Client;

/// <summary>
/// As many messages wait to be written as <see cref="MqttClientOptions.MaximumQueuedMessages"/> allows,
/// or as many bytes as <see cref="MqttClientOptions.MaximumWaitingBytes"/>;
/// this one has not been taken and will not be sent.
/// </summary>
public sealed class QueueFullException : MqttException
{
    internal QueueFullException(string topic, int maximum)
        : base($"The message to «{topic}» was not taken: {maximum} messages wait to be sent, as many as MaximumQueuedMessages allows.") =>
        Topic = topic;

    internal QueueFullException(string topic, long waiting, long maximum)
        : base(
            $"The message to «{topic}» was not taken: {waiting} bytes wait to be sent, and with it there would be more than the {maximum} "
            + "that MaximumWaitingBytes allows.") =>
        Topic = topic;

    /// <summary>The Topic Name of the message.</summary>
    public string Topic { get; }
}
