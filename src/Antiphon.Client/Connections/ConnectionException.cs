using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>
/// The connection could not be made, was lost, or the client has stopped.
/// An operation that ends with it has an unknown outcome if it had been <see cref="Sent"/>, and did not happen if it had not.
/// </summary>
public sealed class ConnectionException : MqttException
{
    internal ConnectionException(
        string message,
        ReasonCode? reasonCode = null,
        string? serverReference = null,
        int unacknowledged = 0,
        bool sent = false,
        Exception? innerException = null)
        : base(reasonCode is { } code ? $"{message} Reason Code {Describe(code)}." : message, innerException)
    {
        ReasonCode = reasonCode;
        ServerReference = serverReference;
        Unacknowledged = unacknowledged;
        Sent = sent;
    }

    /// <summary>
    /// What the server said in CONNACK or DISCONNECT, or what this client said in DISCONNECT; <c>null</c>: nobody said anything.
    /// </summary>
    public ReasonCode? ReasonCode { get; }

    /// <summary>
    /// Whether the server said <see cref="ReasonCode"/>; <c>false</c>: nobody did, or this client, for instance to a server that broke
    /// the rules.
    /// </summary>
    public bool FromServer { get; internal init; }

    /// <summary>
    /// What the server said about it in words, in CONNACK or DISCONNECT (MQTT 5 §3.2.2.3.9, §3.14.2.2.3);
    /// <c>null</c>: nothing.
    /// </summary>
    public string? ReasonString { get; internal init; }

    /// <summary>Another server to use, if the server named one with 0x9C or 0x9D (MQTT 5 §4.11).</summary>
    public string? ServerReference { get; }

    /// <summary>
    /// How many QoS 1 and 2 messages had been sent and not been acknowledged when the client stopped; their outcome is unknown.
    /// </summary>
    public int Unacknowledged { get; }

    /// <summary>
    /// Whether the operation that ended with this had been written to a connection, so that its outcome is unknown; <c>false</c>:
    /// it did not happen.
    /// </summary>
    public bool Sent { get; }

    /// <summary>Whether it is about a message that was not written, or not written again, since its time was over.</summary>
    internal bool IsExpired { get; init; }
}
