using System.Text;
using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>A message that a subscription received. Immutable.</summary>
public sealed class ReceivedMessage
{
    internal ReceivedMessage(ApplicationMessage message, bool dup, Subscription subscription)
    {
        Message = message;
        Dup = dup;
        Subscription = subscription;
    }

    /// <summary>The message, copied out of the receive buffer; its QoS and RETAIN flag are those of this delivery.</summary>
    public ApplicationMessage Message { get; }

    /// <summary>Whether the server may have delivered it before (MQTT 5 §3.3.1.1).</summary>
    public bool Dup { get; }

    /// <summary>The subscription that it came through.</summary>
    public Subscription Subscription { get; }

    /// <summary>The Topic Name.</summary>
    public string Topic => Message.Topic;

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => Message.Payload;

    /// <summary>The payload as UTF-8 text; bytes that are none come out as U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Message.Payload.Span);
}
