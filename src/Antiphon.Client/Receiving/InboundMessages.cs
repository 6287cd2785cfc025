using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Output;
using Antiphon.Client.Sessions;
using Antiphon.Client.Stores;
using Antiphon.Client.Subscribing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Receiving;

/// <summary>
/// What becomes of a message between its arrival and its acknowledgement:
/// handed on, known already, held until there is a subscription for it, or nobody's. Shares the gate of <see cref="ClientSession"/>:
/// methods that say so enter it, the others are called within it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Stop disposes of the timer.")]
internal sealed class InboundMessages
{
    // For the process.
    private readonly ClientSession _session;
    private readonly MqttClientOptions _options;
    private readonly SubscriptionTable _subscriptions;
    private readonly ConnectionOutput _output;

    private readonly int _half;

    // For the Session.
    private readonly InboundAcknowledgements _acknowledgements;
    private bool _hasConnected;
    private ITimer? _holding;

    // For the Network Connection.
    private readonly HeldMessages _held;
    private bool _isConnected;

    public InboundMessages(
        ClientSession session, MqttClientOptions options, SubscriptionTable subscriptions, ConnectionOutput output, SessionJournal journal)
    {
        _session = session;
        _options = options;
        _half = Math.Max(options.ReceiveMaximum / 2, 1);
        _subscriptions = subscriptions;
        _output = output;
        _acknowledgements = new InboundAcknowledgements(options.ProtocolVersion, journal);
        _held = new HeldMessages(subscriptions, options.ProtocolVersion);
    }

    /// <summary>Messages that count against our Receive Maximum. Takes the gate.</summary>
    public int Unacknowledged
    {
        get
        {
            lock (_session.Gate)
            {
                return _acknowledgements.Count;
            }
        }
    }

    /// <summary>The identifiers of QoS 2 messages that an earlier client has dealt with.</summary>
    public void Restore(IReadOnlyList<PacketIdentifier> received) => _acknowledgements.Restore(received);

    /// <summary>
    /// The server has accepted a connection. A resumed Session brings its messages at once; the program may subscribe only now.
    /// </summary>
    public void Connected(uint connection, bool sessionPresent)
    {
        _isConnected = true;
        _acknowledgements.Connected(connection, sessionPresent);
        if (!_hasConnected && sessionPresent && _options.HoldForHandlers > TimeSpan.Zero)
        {
            _holding = _options.TimeProvider.CreateTimer(
                static inbound => ((InboundMessages)inbound!).StopHolding(), this, _options.HoldForHandlers, Timeout.InfiniteTimeSpan);
        }

        _hasConnected = true;
    }

    /// <summary>The connection has ended: what is held comes again over the next.</summary>
    public void Disconnected()
    {
        _isConnected = false;
        foreach (var ticket in _held.Clear())
        {
            _acknowledgements.Abandon(ticket);
        }

        _acknowledgements.Disconnected();
    }

    /// <summary>The client has stopped.</summary>
    public void Stop() => _holding?.Dispose();

    /// <summary>A PUBREL arrived: PUBCOMP goes out, whether there is anything to release or not.</summary>
    public Fault Released(PacketIdentifier identifier)
    {
        if (_isConnected)
        {
            AcknowledgementPacket.Write(
                _output.Filling, PacketType.PubComp, identifier, _acknowledgements.Release(identifier), _options.ProtocolVersion);
        }

        return default;
    }

    /// <summary>A PUBLISH arrived: sinks have it at once, the other subscriptions are told. Enters the gate.</summary>
    /// <param name="message">The message.</param>
    /// <param name="receivers">Where to add the subscriptions; none if they have had it.</param>
    /// <param name="ticket">For the handlers of a QoS 1 or 2 message.</param>
    public Fault Received(in PublishView message, List<Subscription> receivers, out Ticket ticket)
    {
        ticket = default;
        _subscriptions.Collect(message, receivers);
        _session.Counting.MessageReceived();
        if (message.QoS == QualityOfService.AtMostOnce)
        {
            if (receivers.Count == 0)
            {
                _session.Counting.Unhandled();
            }
            else if (HasSink(receivers))
            {
                lock (_session.Gate)
                {
                    GiveToSinks(message, receivers, ticket);
                }
            }

            return default;
        }

        lock (_session.Gate)
        {
            var fault = Receive(message, receivers, out ticket);
            GiveToSinks(message, receivers, ticket);
            Write();
            if (IsHeldUp(out var half))
            {
                _session.HeldUp(half);
                Write();
            }

            return fault;
        }
    }

    /// <summary>
    /// A PUBLISH with a flaw arrived: no handler has it, sinks are told, and it is acknowledged with an error.
    /// Enters the gate.
    /// </summary>
    /// <param name="message">What could be read of it.</param>
    /// <param name="flaw">What is wrong with it.</param>
    /// <param name="receivers">Where to add the subscriptions.</param>
    public void Refuse(in PublishView message, Fault flaw, List<Subscription> receivers)
    {
        if (!message.Topic.IsEmpty)
        {
            _subscriptions.Collect(message, receivers);
        }

        lock (_session.Gate)
        {
            foreach (var receiver in receivers)
            {
                receiver.Sink?.TakeFlawed(message, flaw);
            }

            if (message.QoS != QualityOfService.AtMostOnce && _isConnected)
            {
                _acknowledgements.Add(message.PacketIdentifier, message.QoS, handlers: 1, out var ticket);
                _acknowledgements.Complete(ticket, 0, CodeOf(flaw));
                Write();
            }
        }
    }

    /// <summary>Gives sinks a message that was held. Enters the gate.</summary>
    public void Give(in PublishView message, List<Subscription> receivers, in Ticket ticket)
    {
        if (HasSink(receivers))
        {
            lock (_session.Gate)
            {
                GiveToSinks(message, receivers, ticket);
                Write();
            }
        }
    }

    /// <summary>What one of the receivers of a message completes it by.</summary>
    public Acknowledgement AcknowledgementFor(in PublishView message, in Ticket ticket, int receiver) =>
        message.QoS != QualityOfService.AtMostOnce && receiver < InboundAcknowledgements.MaximumHandlers
            ? new Acknowledgement(this, ticket, receiver)
            : default;

    /// <summary>Takes out a message that came before there was a subscription for it. Enters the gate.</summary>
    public bool TryTakeHeld(List<Subscription> receivers, out byte[] packet, out Ticket ticket)
    {
        lock (_session.Gate)
        {
            if (!_held.TryTake(receivers, out packet, out ticket))
            {
                return false;
            }

            _acknowledgements.Reopen(ticket, receivers.Count);
            return true;
        }
    }

    /// <summary>A handler has dealt with a message. Enters the gate.</summary>
    public void Complete(in Ticket ticket, int handler, ReasonCode code)
    {
        lock (_session.Gate)
        {
            CompleteWithinGate(ticket, handler, code);
        }

        _session.AfterGate();
    }

    /// <summary>How many messages wait for their acknowledgement behind one. Within the gate.</summary>
    public int Behind(in Ticket ticket) => _acknowledgements.Behind(ticket);

    /// <summary>
    /// Whether so many messages wait for their acknowledgement that the server may soon send no more. Within the gate.
    /// </summary>
    /// <param name="half">Half of our Receive Maximum, 1 or more.</param>
    public bool IsHeldUp(out int half)
    {
        half = _half;
        return _acknowledgements.Waiting > half;
    }

    /// <summary>As <see cref="Complete"/>, within the gate.</summary>
    public void CompleteWithinGate(in Ticket ticket, int handler, ReasonCode code)
    {
        _acknowledgements.Complete(ticket, handler, code);
        Write();
    }

    /// <summary>PUBACK and PUBREC have no code for a malformed packet (MQTT 5 §3.4.2.1).</summary>
    private static ReasonCode CodeOf(Fault flaw) =>
        flaw.Code == ReasonCode.TopicNameInvalid ? ReasonCode.TopicNameInvalid : ReasonCode.ImplementationSpecificError;

    private static bool HasSink(List<Subscription> receivers)
    {
        foreach (var receiver in receivers)
        {
            if (receiver.Sink is not null)
            {
                return true;
            }
        }

        return false;
    }

    private void GiveToSinks(in PublishView message, List<Subscription> receivers, in Ticket ticket)
    {
        for (var i = 0; i < receivers.Count; i++)
        {
            receivers[i].Sink?.Take(message, AcknowledgementFor(message, ticket, i));
        }
    }

    private Fault Receive(in PublishView message, List<Subscription> receivers, out Ticket ticket)
    {
        ticket = default;
        if (!_isConnected)
        {
            // The connection ends; the server will send it again.
            receivers.Clear();
            return default;
        }

        if (_acknowledgements.Count >= _options.ReceiveMaximum && _options.ProtocolVersion == ProtocolVersion.V5)
        {
            if (_options.EnforceReceiveMaximum)
            {
                return new Fault(
                    ReasonCode.ReceiveMaximumExceeded,
                    $"More than {_options.ReceiveMaximum} QoS 1 and 2 messages are unacknowledged [MQTT-3.3.4-9].");
            }

            _session.Failures.ReceiveMaximumExceeded();
        }

        if (_acknowledgements.Add(message.PacketIdentifier, message.QoS, Math.Max(receivers.Count, 1), out ticket) == Arrival.Again)
        {
            receivers.Clear();
        }
        else if (receivers.Count == 0 && _holding is not null)
        {
            _held.Add(message, ticket);
        }
        else if (receivers.Count == 0)
        {
            _session.Counting.Unhandled();
            _acknowledgements.Complete(ticket, 0, ReasonCode.Success);
        }

        return default;
    }

    /// <summary>The program has had its time: what is still held is nobody's.</summary>
    private void StopHolding()
    {
        lock (_session.Gate)
        {
            _holding?.Dispose();
            _holding = null;
            foreach (var ticket in _held.Clear())
            {
                _session.Counting.Unhandled();
                _acknowledgements.Complete(ticket, 0, ReasonCode.Success);
            }

            Write();
        }

        _session.AfterGate();
    }

    private void Write()
    {
        if (_isConnected)
        {
            _acknowledgements.Write(_output.Filling);
        }
    }
}
