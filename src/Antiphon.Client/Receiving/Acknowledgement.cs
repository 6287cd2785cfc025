using Antiphon.Client.Receiving;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client;

/// <summary>
/// The PUBACK that a QoS 1 message waits for, or the PUBREC of a QoS 2 one.
/// Acknowledgements leave in the order in which the messages arrived, whatever the order of completion [MQTT-4.6.0-2, MQTT-4.6.0-3].
/// A PUBACK for an earlier connection is dropped, since the server sends that message again;
/// a PUBREC goes out over the connection that there is, since a QoS 2 message comes to its handler only once. Safe from any thread.
/// </summary>
public readonly struct Acknowledgement
{
    private readonly InboundMessages? _messages;
    private readonly Ticket _ticket;
    private readonly int _handler;

    internal Acknowledgement(InboundMessages messages, in Ticket ticket, int handler)
    {
        _messages = messages;
        _ticket = ticket;
        _handler = handler;
    }

    /// <summary>Whether there is something to complete; not with QoS 0.</summary>
    public bool IsNeeded => _messages is not null;

    /// <summary>How many messages wait behind it; 0 where it waits no more.</summary>
    internal int Behind => _messages?.Behind(_ticket) ?? 0;

    /// <summary>Says that the message has been dealt with. Only the first call counts.</summary>
    /// <param name="code">
    /// Success, or one of the codes that PUBACK and PUBREC allow (MQTT 5 §3.4.2.1, §3.5.2.1);
    /// from 0x80 on the server does not send the message again. MQTT 3.1.1 has no place for it.
    /// </param>
    /// <exception cref="ArgumentException">PUBACK and PUBREC do not allow the code.</exception>
    public void Complete(ReasonCode code = ReasonCode.Success)
    {
        if (!ReasonCodes.IsAllowed(PacketType.PubAck, code))
        {
            throw new ArgumentException(
                $"PUBACK and PUBREC have no Reason Code 0x{(byte)code:X2} (MQTT 5 §3.4.2.1, §3.5.2.1).", nameof(code));
        }

        _messages?.Complete(_ticket, _handler, code);
    }

    /// <summary>As <see cref="Complete"/>, for who is within the gate of <see cref="Sessions.ClientSession"/>.</summary>
    internal void CompleteWithinGate(ReasonCode code = ReasonCode.Success) => _messages?.CompleteWithinGate(_ticket, _handler, code);
}
