using Antiphon.Client.Stores;
using Antiphon.Client.Subscriptions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Sessions;

/// <summary>
/// What becomes of a QoS 1 or 2 message between its arrival and its acknowledgement: handed on, known already, held until there is a subscription for it, or nobody's. Guarded by the lock of
/// <see cref="SharedSession"/>.
/// </summary>
internal sealed class InboundMessages(MqttClientOptions options, SubscriptionTable subscriptions, SessionJournal journal, Counting counting, Action receiveMaximumExceeded)
{
    private readonly InboundAcknowledgements _acknowledgements = new(options.ProtocolVersion, journal);
    private readonly HeldMessages _held = new(subscriptions, options.ProtocolVersion);

    /// <summary>Whether a message that no subscription is for waits for one.</summary>
    public bool IsHolding { get; set; }

    /// <summary>The identifiers of QoS 2 messages that an earlier client has dealt with.</summary>
    public void Restore(IReadOnlyList<PacketIdentifier> received) => _acknowledgements.Restore(received);

    public void Connected(uint connection, bool sessionPresent) => _acknowledgements.Connected(connection, sessionPresent);

    /// <summary>The connection has ended: what is held comes again over the next.</summary>
    public void Disconnected()
    {
        foreach (var ticket in _held.Clear())
        {
            _acknowledgements.Abandon(ticket);
        }

        _acknowledgements.Disconnected();
    }

    /// <summary>A message arrived.</summary>
    /// <param name="message">The message, QoS 1 or 2.</param>
    /// <param name="receivers">The subscriptions that are to have it; emptied if they have had it.</param>
    /// <param name="ticket">What to complete it by.</param>
    /// <param name="output">Where acknowledgements go.</param>
    public Fault Receive(in PublishView message, List<Subscription> receivers, out Ticket ticket, System.Buffers.IBufferWriter<byte> output)
    {
        ticket = default;
        if (_acknowledgements.Count >= options.ReceiveMaximum)
        {
            if (options.EnforceReceiveMaximum)
            {
                return new Fault(ReasonCode.ReceiveMaximumExceeded, $"More than {options.ReceiveMaximum} QoS 1 and 2 messages are unacknowledged [MQTT-3.3.4-9].");
            }

            receiveMaximumExceeded();
        }

        if (_acknowledgements.Add(message.PacketIdentifier, message.QoS, Math.Max(receivers.Count, 1), out ticket) == Arrival.Again)
        {
            receivers.Clear();
        }
        else if (receivers.Count == 0 && IsHolding)
        {
            _held.Add(message, ticket);
        }
        else if (receivers.Count == 0)
        {
            counting.Unhandled();
            _acknowledgements.Complete(ticket, 0, ReasonCode.Success);
        }

        _acknowledgements.Write(output);
        return default;
    }

    /// <summary>A handler has dealt with a message.</summary>
    public void Complete(in Ticket ticket, int handler, ReasonCode code) => _acknowledgements.Complete(ticket, handler, code);

    /// <summary>Appends the acknowledgements that are due.</summary>
    public void Write(System.Buffers.IBufferWriter<byte> output) => _acknowledgements.Write(output);

    /// <summary>A PUBREL arrived.</summary>
    /// <returns>What PUBCOMP is to say.</returns>
    public ReasonCode Release(PacketIdentifier identifier) => _acknowledgements.Release(identifier);

    /// <summary>Takes out a held message that there is a subscription for by now.</summary>
    public bool TryTakeHeld(List<Subscription> receivers, out byte[] packet, out Ticket ticket)
    {
        if (!_held.TryTake(receivers, out packet, out ticket))
        {
            return false;
        }

        _acknowledgements.Reopen(ticket, receivers.Count);
        return true;
    }

    /// <summary>The program has had its time: what is still held is nobody's.</summary>
    public void StopHolding()
    {
        IsHolding = false;
        foreach (var ticket in _held.Clear())
        {
            counting.Unhandled();
            _acknowledgements.Complete(ticket, 0, ReasonCode.Success);
        }
    }
}
