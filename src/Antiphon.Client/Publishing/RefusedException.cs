using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>The server refused a PUBLISH, SUBSCRIBE or UNSUBSCRIBE, or has said beforehand that it would.</summary>
public sealed class RefusedException : MqttException
{
    internal RefusedException(string operation, string topic, ReasonCode reasonCode, string? reasonString = null)
        : this(
            operation,
            topic,
            reasonCode,
            reasonString,
            $"{Describe(reasonCode)}{(reasonString is null ? "" : $", {reasonString.TrimEnd('.')}")}.")
    {
    }

    private RefusedException(string operation, string topic, ReasonCode reasonCode, string? reasonString, string why)
        : base($"{operation} «{topic}» was refused: {why}")
    {
        Why = why;
        Operation = operation;
        Topic = topic;
        ReasonCode = reasonCode;
        ReasonString = reasonString;
    }

    /// <summary>PUBLISH, SUBSCRIBE or UNSUBSCRIBE.</summary>
    public string Operation { get; }

    /// <summary>The Topic Name or Topic Filter in question.</summary>
    public string Topic { get; }

    /// <summary>Why, 0x80 or above.</summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>More about it, for people; <c>null</c>: nothing was said.</summary>
    public string? ReasonString { get; }

    /// <summary>The Reason Code, and what was said about it, as the end of a sentence.</summary>
    internal string Why { get; }

    /// <summary>Whether the message had been sent over an earlier connection too: the refusal is about the last time only.</summary>
    internal bool WasSentBefore { get; init; }
}
