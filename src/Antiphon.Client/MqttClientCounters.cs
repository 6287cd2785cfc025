namespace Antiphon.Client;

/// <summary>What a client has counted since its start.</summary>
public readonly record struct MqttClientCounters
{
    /// <summary>Messages handed to the connection's output, those sent again included.</summary>
    public long MessagesSent { get; init; }

    /// <summary>Messages received.</summary>
    public long MessagesReceived { get; init; }

    /// <summary>Bytes sent.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes received.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Connections accepted after the first.</summary>
    public long Reconnects { get; init; }

    /// <summary>Messages received that no subscription of this client matched; they are acknowledged.</summary>
    public long UnhandledMessages { get; init; }

    /// <summary>QoS 0 messages lost here: unsent when the connection was lost, or received while the handler's queue was full.</summary>
    public long DroppedMessages { get; init; }

    /// <summary>Exceptions thrown by message handlers.</summary>
    public long HandlerFailures { get; init; }

    /// <summary>
    /// QoS 1 and 2 messages received beyond <see cref="MqttClientOptions.ReceiveMaximum"/>; they are handled like all others.
    /// </summary>
    public long ReceiveMaximumExceeded { get; init; }

    /// <summary>
    /// Messages received with a flaw that the server has let through, such as a Response Topic with a wildcard.
    /// No handler has them, and they are acknowledged with an error (0x90 or 0x83).
    /// </summary>
    public long FlawedMessages { get; init; }

    /// <summary>
    /// Failures of the <see cref="MqttClientOptions.SessionStore"/> that ended no publish:
    /// a restart may repeat what the store has not heard of.
    /// </summary>
    public long SessionStoreFailures { get; init; }

    /// <summary>
    /// Messages that an earlier client had left in the <see cref="MqttClientOptions.SessionStore"/> and that ended without success,
    /// where nobody waits to be told: refused, expired, or with an unknown outcome since the server has lost the Session after its PUBREC.
    /// </summary>
    public long RestoredPublishFailures { get; init; }
}
