namespace Antiphon.Client;

/// <summary>
/// As many messages wait to be written as <see cref="MqttClientOptions.MaximumQueuedMessages"/> allows;
/// this one has not been taken and will not be sent.
/// </summary>
public sealed class QueueFullException : MqttException
{
    internal QueueFullException(string topic, int maximum)
        : base($"The message to «{topic}» was not taken: {maximum} messages wait to be sent, as many as MaximumQueuedMessages allows.") =>
        Topic = topic;

    /// <summary>The Topic Name of the message.</summary>
    public string Topic { get; }
}
