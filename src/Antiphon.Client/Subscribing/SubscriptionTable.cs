using System.Buffers;
using Antiphon.Client.Output;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Windows;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Subscribing;

/// <summary>
/// All subscriptions of the client, and their SUBSCRIBE and UNSUBSCRIBE.
/// Guarded by the gate of <see cref="ClientSession"/>, but for <see cref="Collect"/>,
/// which the receive loop calls without it on an immutable snapshot.
/// </summary>
internal sealed class SubscriptionTable(PacketIdentifiers<object> identifiers, ConnectionOutput output, MqttClientOptions options)
{
    // For the process.
    private readonly OutputBuffer _scratch = new();

    // For the Session: sorted by Subscription Identifier, since these only grow.
    private volatile Subscription[] _all = [];
    private readonly uint _firstIdentifier = FirstIdentifier(options);
    private uint _identifiersGiven;

    // For the Network Connection.
    private ServerLimits? _limits;
    private bool _identifiersRanOut;

    /// <summary>Another object after every change.</summary>
    public object Snapshot => _all;

    /// <summary>
    /// Refusals that no caller is told of, to be logged: of subscriptions that had been granted before, and of UNSUBSCRIBE.
    /// </summary>
    public Queue<RefusedException> Refusals { get; } = new();

    /// <summary>Whether a second subscription with that filter would replace one at the server [MQTT-3.8.4-3].</summary>
    public bool Holds(string topicFilter)
    {
        foreach (var subscription in _all)
        {
            if (subscription.State != SubscriptionState.Leaving && subscription.TopicFilter == topicFilter)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds a subscription, and asks the server for it if there is a connection.</summary>
    public void Add(Subscription subscription)
    {
        if (_firstIdentifier + _identifiersGiven > VariableByteInteger.Maximum)
        {
            throw new InvalidOperationException(
                $"This client has used up its {_identifiersGiven} Subscription Identifiers (MQTT 5 §3.8.2.1.2).");
        }

        subscription.Identifier = _firstIdentifier + _identifiersGiven++;
        _all = [.. _all, subscription];
        if (_limits is not null)
        {
            Subscribe(subscription);
        }
    }

    /// <summary>The server has accepted a connection.</summary>
    public void Connected(ServerLimits limits)
    {
        _limits = limits;
        foreach (var subscription in _all)
        {
            switch (subscription.State)
            {
                case SubscriptionState.Leaving when limits.SessionPresent:
                    Unsubscribe(subscription);
                    break;
                case SubscriptionState.Leaving:
                    End(subscription);
                    break;
                case SubscriptionState.Active when limits.SessionPresent:
                    break;
                case SubscriptionState.Waiting or SubscriptionState.Active or SubscriptionState.Refused:
                    Subscribe(subscription);
                    break;
                default:
                    throw new InvalidOperationException($"A subscription cannot be {subscription.State} when a connection begins.");
            }
        }
    }

    /// <summary>The connection has ended: what it would have answered is asked again over the next.</summary>
    public void Disconnected()
    {
        _limits = null;
        foreach (var subscription in _all)
        {
            ReleaseIdentifiers(subscription);
            if (subscription.State == SubscriptionState.Subscribing)
            {
                subscription.State = SubscriptionState.Waiting;
            }
            else if (subscription.State == SubscriptionState.Leaving)
            {
                subscription.Left.TrySetResult(null);
            }
        }
    }

    /// <summary>A SUBACK arrived.</summary>
    public Fault Answered(SubAckPacket answer)
    {
        if (identifiers.Find(answer.PacketIdentifier) is not Subscription subscription
            || subscription.SubscribePacket != answer.PacketIdentifier)
        {
            return PacketIdentifiers.Unexpected(PacketType.SubAck, answer.PacketIdentifier);
        }

        if (answer.ReasonCodes is not [var code])
        {
            return Fault.Protocol($"The SUBACK has {answer.ReasonCodes.Count} Reason Codes for one Topic Filter [MQTT-3.8.4-6].");
        }

        identifiers.Release(subscription.SubscribePacket);
        subscription.SubscribePacket = PacketIdentifier.None;
        if (subscription.State == SubscriptionState.Subscribing)
        {
            if (code < ReasonCode.UnspecifiedError)
            {
                subscription.ReasonCode = code;
                subscription.State = SubscriptionState.Active;
                if (subscription.Granted.TrySetResult(subscription))
                {
                    subscription.Sink?.Subscribed(null);
                }
            }
            else
            {
                Refuse(subscription, new RefusedException("SUBSCRIBE", subscription.TopicFilter, code, answer.ReasonString));
            }
        }

        RetryWaiting();
        return default;
    }

    /// <summary>An UNSUBACK arrived.</summary>
    public Fault Answered(UnsubAckPacket answer)
    {
        if (identifiers.Find(answer.PacketIdentifier) is not Subscription subscription
            || subscription.UnsubscribePacket != answer.PacketIdentifier)
        {
            return PacketIdentifiers.Unexpected(PacketType.UnsubAck, answer.PacketIdentifier);
        }

        // MQTT 3.1.1 knows no refusal here, and so no codes.
        var codes = options.ProtocolVersion == ProtocolVersion.V5 ? answer.ReasonCodes : [ReasonCode.Success];
        if (codes is not [var code])
        {
            return Fault.Protocol($"The UNSUBACK has {codes.Count} Reason Codes for one Topic Filter [MQTT-3.11.3-1].");
        }

        if (code >= ReasonCode.UnspecifiedError)
        {
            var refused = new RefusedException("UNSUBSCRIBE", subscription.TopicFilter, code, answer.ReasonString);
            Refusals.Enqueue(refused);
            subscription.Left.TrySetResult(refused);
        }

        End(subscription);
        RetryWaiting();
        return default;
    }

    /// <summary>The caller gives a subscription up.</summary>
    /// <returns>Ends with the server's answer, or at once without a connection.</returns>
    public Task<RefusedException?> Leave(Subscription subscription)
    {
        switch (subscription.State)
        {
            case SubscriptionState.Ended or SubscriptionState.Leaving:
                break;
            case SubscriptionState.Waiting when !subscription.WasAskedFor:
                // The server has never heard of it.
                End(subscription);
                break;
            default:
                subscription.State = SubscriptionState.Leaving;
                if (_limits is not null)
                {
                    Unsubscribe(subscription);
                }

                break;
        }

        if (_limits is null)
        {
            subscription.Left.TrySetResult(null);
        }

        return subscription.Left.Task;
    }

    /// <summary>The client has stopped: every wait ends.</summary>
    public void Stop(Func<bool, ConnectionException> exception)
    {
        _limits = null;
        foreach (var subscription in _all)
        {
            if (!subscription.Granted.IsSet)
            {
                var stopped = exception(subscription.State == SubscriptionState.Subscribing);
                subscription.Granted.TrySetException(stopped);
                subscription.Sink?.Subscribed(stopped);
            }

            subscription.Queue?.Close();
            End(subscription);
        }
    }

    /// <summary>
    /// Which subscriptions a message is for: by its Subscription Identifiers, else by matching filters.
    /// Identifiers that this client has not given are those of an earlier client of the same Session. For the receive loop.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="receivers">Where to add them.</param>
    public void Collect(in PublishView message, List<Subscription> receivers)
    {
        var all = _all;
        if (message.HasSubscriptionIdentifier)
        {
            var isOurs = true;
            var properties = message.ReadProperties();
            while (properties.TryRead(out var property))
            {
                if (property.Identifier != PropertyIdentifier.SubscriptionIdentifier)
                {
                    continue;
                }

                isOurs &= property.Number - _firstIdentifier < Volatile.Read(ref _identifiersGiven);
                if (Find(all, property.Number) is { } subscription)
                {
                    receivers.Add(subscription);
                }
            }

            if (isOurs)
            {
                return;
            }

            receivers.Clear();
        }

        foreach (var subscription in all)
        {
            if (subscription.Matches(message.Topic))
            {
                receivers.Add(subscription);
            }
        }
    }

    /// <summary>
    /// Subscription Identifiers of an earlier client of the Session may still come with messages.
    /// They must not be taken for ours, which therefore begin somewhere else.
    /// </summary>
    private static uint FirstIdentifier(MqttClientOptions options)
    {
        if (options.CleanStart)
        {
            return 1;
        }

        lock (options.Random)
        {
            return (uint)options.Random.Next(1 << 21, 1 << 27);
        }
    }

    private static Subscription? Find(Subscription[] all, uint identifier)
    {
        var from = 0;
        var to = all.Length - 1;
        while (from <= to)
        {
            var middle = (from + to) / 2;
            var found = all[middle].Identifier;
            if (found == identifier)
            {
                return all[middle];
            }

            if (found < identifier)
            {
                from = middle + 1;
            }
            else
            {
                to = middle - 1;
            }
        }

        return null;
    }

    /// <summary>A first refusal ends the subscription; a later one leaves it for the next reconnect.</summary>
    private void Refuse(Subscription subscription, RefusedException refused)
    {
        subscription.ReasonCode = refused.ReasonCode;
        if (subscription.Granted.TrySetException(refused))
        {
            subscription.Sink?.Subscribed(refused);
            End(subscription);
        }
        else
        {
            subscription.State = SubscriptionState.Refused;
            Refusals.Enqueue(refused);
        }
    }

    private void Subscribe(Subscription subscription)
    {
        var limits = _limits!;
        if ((subscription.HasWildcard && !limits.WildcardSubscriptionAvailable ? ReasonCode.WildcardSubscriptionsNotSupported
            : subscription.IsShared && !limits.SharedSubscriptionAvailable ? ReasonCode.SharedSubscriptionsNotSupported
            : (ReasonCode?)null) is { } code)
        {
            Refuse(subscription, new RefusedException("SUBSCRIBE", subscription.TopicFilter, code));
            return;
        }

        subscription.State = SubscriptionState.Waiting;
        var identifier = identifiers.Allocate(subscription);
        if (identifier == PacketIdentifier.None)
        {
            _identifiersRanOut = true;
            return;
        }

        if (!TryWrite(subscription.ToPacket(identifier, limits.SubscriptionIdentifierAvailable), limits))
        {
            identifiers.Release(identifier);
            Refuse(subscription, new RefusedException(
                "SUBSCRIBE",
                subscription.TopicFilter,
                ReasonCode.PacketTooLarge,
                $"the server takes packets of {limits.MaximumPacketSize} bytes at most (Maximum Packet Size, MQTT 5 §3.2.2.3.6)"));
            return;
        }

        subscription.SubscribePacket = identifier;
        subscription.WasAskedFor = true;
        subscription.State = SubscriptionState.Subscribing;
    }

    private void Unsubscribe(Subscription subscription)
    {
        var identifier = identifiers.Allocate(subscription);
        if (identifier == PacketIdentifier.None)
        {
            _identifiersRanOut = true;
            return;
        }

        subscription.UnsubscribePacket = identifier;
        new UnsubscribePacket { PacketIdentifier = identifier, TopicFilters = [subscription.TopicFilter] }.WriteTo(
            output.Filling, options.ProtocolVersion);
    }

    /// <summary>Identifiers may have run out before; one is free now.</summary>
    private void RetryWaiting()
    {
        if (!_identifiersRanOut)
        {
            return;
        }

        _identifiersRanOut = false;
        foreach (var subscription in _all)
        {
            if (subscription.State == SubscriptionState.Waiting)
            {
                Subscribe(subscription);
            }
            else if (subscription.State == SubscriptionState.Leaving && subscription.UnsubscribePacket == PacketIdentifier.None)
            {
                Unsubscribe(subscription);
            }
        }
    }

    private bool TryWrite(Packet packet, ServerLimits limits)
    {
        packet.WriteTo(_scratch, options.ProtocolVersion);
        var fits = !(_scratch.Length > limits.MaximumPacketSize);
        if (fits)
        {
            output.Filling.Write(_scratch.Written.Span);
        }

        _scratch.Clear();
        return fits;
    }

    private void End(Subscription subscription)
    {
        subscription.State = SubscriptionState.Ended;
        subscription.Left.TrySetResult(null);
        ReleaseIdentifiers(subscription);
        _all = [.. _all.Where(other => other != subscription)];
    }

    private void ReleaseIdentifiers(Subscription subscription)
    {
        if (subscription.SubscribePacket != PacketIdentifier.None)
        {
            identifiers.Release(subscription.SubscribePacket);
            subscription.SubscribePacket = PacketIdentifier.None;
        }

        if (subscription.UnsubscribePacket != PacketIdentifier.None)
        {
            identifiers.Release(subscription.UnsubscribePacket);
            subscription.UnsubscribePacket = PacketIdentifier.None;
        }
    }
}
