using Antiphon.Client.Output;
using Antiphon.Client.Sessions;
using Antiphon.Client.Stores;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Windows;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Messages on their way to the server, in order [MQTT-4.6.0-1, MQTT-4.6.0-4]: when each is written, and what each acknowledgement means.
/// What is not over stands in <see cref="PendingPublishes"/>. Writes to the output within the server's limits
/// and Receive Maximum [MQTT-3.3.4-7]. Guarded by the gate of <see cref="ClientSession"/>.
/// </summary>
internal sealed class PublishFlow(
    ClientSession session,
    PacketIdentifiers<object> identifiers,
    ConnectionOutput output,
    SessionJournal journal,
    MqttClientOptions options)
{
    /// <summary>The first byte, a Remaining Length of four bytes, and the most that it can say (MQTT 5 §2.1.4).</summary>
    private const uint LargestPacket = 1 + 4 + VariableByteInteger.Maximum;

    /// <summary>How many bytes a reserved place has room for.</summary>
    private const int ReservedBytes = 1024;

    // For the process.
    private readonly PublishWriter _writer = new(output, options.MaximumTopicAliases, options.ProtocolVersion);

    // For the Session.
    private readonly PendingPublishes _pending = new(session, identifiers, journal, options.ProtocolVersion);

    // For the Network Connection.
    private ServerLimits? _limits;

    /// <summary>QoS 1 and 2 messages that have been written and whose handshake is not over.</summary>
    public int Unacknowledged => _pending.InFlight.Count + _pending.Released.Count;

    /// <summary>Messages appended to the output since the start.</summary>
    public long Written => _writer.Count;

    /// <summary>Why no server, or this one, would take such a message; <c>null</c>: it would, or there is no server to ask.</summary>
    public ReasonCode? Refusal(QualityOfService qos, bool retain, int size)
    {
        if (_limits is not { } limits)
        {
            return size > LargestPacket ? ReasonCode.PacketTooLarge : null;
        }

        return qos > limits.MaximumQoS ? ReasonCode.QoSNotSupported
            : retain && !limits.RetainAvailable ? ReasonCode.RetainNotSupported
            : size > (limits.MaximumPacketSize ?? LargestPacket) ? ReasonCode.PacketTooLarge
            : null;
    }

    /// <summary>Writes a message, or lets it wait; beyond <see cref="MqttClientOptions.MaximumQueuedMessages"/> or
    /// <see cref="MqttClientOptions.MaximumWaitingBytes"/> it is not taken.</summary>
    /// <param name="message">The message with its Topic in UTF-8.</param>
    /// <param name="sink">Who is told of its end; <c>null</c>: nobody.</param>
    /// <param name="version">What to tell the sink with.</param>
    /// <param name="isForSinkOnly">Whether it is of no use to a later client, and so not stored.</param>
    /// <param name="hasReservedPlace">Whether it may also take one of the places that are kept free.</param>
    public PublishStart Begin(in PublishView message, IPublishSink? sink, uint version, bool isForSinkOnly, bool hasReservedPlace)
    {
        var size = PublishEncoder.SizeOf(message, new Delivery { QoS = message.QoS }, options.ProtocolVersion);
        if (Refusal(message.QoS, message.Retain, size) is { } code)
        {
            return PublishStart.Failed(Refused(Text(message.Topic), code, message.QoS, size));
        }

        var writeNow = _pending.Waiting.Count == 0 && _pending.Resend is null && CanWrite(message.QoS, size);
        if (writeNow && message.QoS == QualityOfService.AtMostOnce)
        {
            _writer.WriteAtMostOnce(message, size);
            return PublishStart.Written;
        }

        if (!writeNow && IsFull(message, size, hasReservedPlace ? options.ReceiveMaximum : 0) is { } full)
        {
            return PublishStart.Failed(full);
        }

        var pending = _pending.Rent();
        pending.Begin(message, size, options.ProtocolVersion, session.Now, isForSinkOnly);
        if (!writeNow)
        {
            _pending.Waiting.Add(pending);
        }
        else if (Launch(pending) is { } failure)
        {
            return PublishStart.Failed(failure);
        }

        pending.Attach(sink, version);
        return PublishStart.Taken(pending);
    }

    /// <summary>Takes over what an earlier client has left behind unacknowledged.</summary>
    public void Restore(StoredSession session, TimeSpan now) => _pending.Restore(session, now);

    /// <summary>The server has accepted a connection: what is unacknowledged goes first, then what waits.</summary>
    public void Connected(ServerLimits limits, TimeSpan now)
    {
        _limits = limits;
        _writer.Connected(limits);
        if (!limits.SessionPresent)
        {
            _pending.GiveUpExactlyOnce();
        }

        // PUBREL takes nothing from the quota, but what it belongs to is unfinished, and counts (MQTT 5 §4.9).
        for (var pending = _pending.Released.First; pending is not null; pending = pending.Next)
        {
            pending.ReleasedAgain = true;
            _pending.Occupy(pending);
            WriteRelease(pending.PacketIdentifier);
        }

        _pending.BeginResending(limits.SessionPresent);
        Advance(now);
    }

    /// <summary>The connection has ended: nothing is written from now on, and the quota is the next one's.</summary>
    public void Disconnected()
    {
        _limits = null;
        _pending.Disconnected();
    }

    /// <summary>Writes what may be written by now: after an acknowledgement, and when the output has been sent.</summary>
    public void Advance(TimeSpan now)
    {
        while (_pending.Resend is { } pending && CanResend(pending))
        {
            _pending.PassResend();
            if (!GiveUp(pending, _pending.InFlight, now))
            {
                _writer.Write(pending.Packet, pending.TopicOffset, pending.TopicLength);
                _pending.Occupy(pending);
            }
        }

        while (_pending.Resend is null && _pending.Waiting.First is { } pending && CanWrite(pending.QoS, pending.Length))
        {
            if (GiveUp(pending, _pending.Waiting, now))
            {
                continue;
            }

            _pending.Waiting.Remove(pending);
            if (pending.QoS == QualityOfService.AtMostOnce)
            {
                _writer.Write(pending.Packet, pending.TopicOffset, pending.TopicLength);
                pending.Tell(new PublishResult(ReasonCode.Success), null);
                _pending.Settle(pending);
            }
            else
            {
                _ = Launch(pending);
            }
        }
    }

    /// <summary>A PUBACK arrived.</summary>
    /// <param name="identifier">Which PUBLISH it is for.</param>
    /// <param name="result">What it says.</param>
    /// <param name="now">The time now.</param>
    public Fault Acknowledged(PacketIdentifier identifier, PublishResult result, TimeSpan now)
    {
        if (!IsInFlight(identifier, QualityOfService.AtLeastOnce, out var pending))
        {
            return PacketIdentifiers.Unexpected(PacketType.PubAck, identifier);
        }

        End(pending, result);
        _pending.TakeOut(pending, _pending.InFlight);
        Advance(now);
        return default;
    }

    /// <summary>A PUBREC arrived: PUBREL goes out [MQTT-4.3.3-4], and the PUBLISH will not be sent again [MQTT-4.3.3-6].</summary>
    /// <param name="identifier">Which PUBLISH it is for.</param>
    /// <param name="result">What it says.</param>
    /// <param name="now">The time now.</param>
    public Fault Recorded(PacketIdentifier identifier, PublishResult result, TimeSpan now)
    {
        switch (identifiers.Find(identifier))
        {
            case PendingPublish { QoS: QualityOfService.ExactlyOnce, Progress: PublishProgress.InFlight } pending
                when result.ReasonCode < ReasonCode.UnspecifiedError:
                pending.Recorded = result;
                _pending.Release(pending);
                WriteRelease(identifier);
                return default;
            case PendingPublish { QoS: QualityOfService.ExactlyOnce, Progress: PublishProgress.InFlight } pending:
                End(pending, result);
                _pending.TakeOut(pending, _pending.InFlight);
                Advance(now);
                return default;
            case PendingPublish { Progress: PublishProgress.Released } when result.ReasonCode < ReasonCode.UnspecifiedError:
                WriteRelease(identifier);
                return default;
            case null when result.ReasonCode < ReasonCode.UnspecifiedError:
                // No error while a Session recovers (MQTT 5 §3.6.2.1); the server goes on without us.
                WriteRelease(identifier, ReasonCode.PacketIdentifierNotFound);
                return default;
            case null:
                return default;
            default:
                return PacketIdentifiers.Unexpected(PacketType.PubRec, identifier);
        }
    }

    /// <summary>A PUBCOMP arrived: the message has been delivered once.</summary>
    /// <param name="identifier">Which PUBLISH it is for.</param>
    /// <param name="code">Success, or that the server does not know the identifier.</param>
    /// <param name="now">The time now.</param>
    public Fault Completed(PacketIdentifier identifier, ReasonCode code, TimeSpan now)
    {
        switch (identifiers.Find(identifier))
        {
            case PendingPublish { Progress: PublishProgress.Released } pending:
                // An unknown identifier is what a repeated PUBREL finds when the first had come through.
                // After a first one, the server has lost the message.
                End(pending, code == ReasonCode.Success || pending.ReleasedAgain ? pending.Recorded : new PublishResult(code));
                _pending.TakeOut(pending, _pending.Released);
                Advance(now);
                return default;
            case null:
                // The answer to a PUBREL for what we did not know.
                return default;
            default:
                return PacketIdentifiers.Unexpected(PacketType.PubComp, identifier);
        }
    }

    /// <summary>Whoever waits for the message does so no longer.</summary>
    /// <param name="handle">The message.</param>
    /// <param name="abandon">Whether it is not to be sent again either, if it has been written.</param>
    /// <param name="now">The time now.</param>
    /// <returns>Whether it had not been written, and never will be.</returns>
    public bool Withdraw(in PublishHandle handle, bool abandon, TimeSpan now)
    {
        if (handle.Pending is not { } pending)
        {
            return false;
        }

        pending.Detach();
        pending.IsAbandoned |= abandon;
        if (pending.Progress != PublishProgress.Waiting)
        {
            return false;
        }

        _pending.TakeOut(pending, _pending.Waiting);
        Advance(now);
        return true;
    }

    /// <summary>The client has stopped: every message ends.</summary>
    public void Stop(Func<bool, ConnectionException> exception)
    {
        _limits = null;
        _pending.Stop(exception);
    }

    private void End(PendingPublish pending, PublishResult result)
    {
        if (result.ReasonCode < ReasonCode.UnspecifiedError)
        {
            pending.Tell(result with { WasSentBefore = pending.WasSentBefore }, null);
        }
        else
        {
            _pending.Fail(
                pending,
                new RefusedException("PUBLISH", pending.Topic, result.ReasonCode, result.ReasonString)
                {
                    WasSentBefore = pending.WasSentBefore,
                });
        }
    }

    private bool IsInFlight(
        PacketIdentifier identifier, QualityOfService qos, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PendingPublish? pending)
    {
        pending = identifiers.Find(identifier) as PendingPublish;
        return pending is { Progress: PublishProgress.InFlight } && pending.QoS == qos;
    }

    private QueueFullException? IsFull(in PublishView message, int size, int reserved)
    {
        var waiting = _pending.Waiting;
        return waiting.Count >= (long)options.MaximumQueuedMessages + reserved
                ? new QueueFullException(Text(message.Topic), options.MaximumQueuedMessages)
            : waiting.Count > 0 && waiting.Bytes + size - (reserved * (long)ReservedBytes) > options.MaximumWaitingBytes
                ? new QueueFullException(Text(message.Topic), waiting.Bytes, options.MaximumWaitingBytes)
            : null;
    }

    private bool CanWrite(QualityOfService qos, int size) =>
        _limits is not null && output.HasRoomFor(size) && (qos == QualityOfService.AtMostOnce || HasIdentifierAndQuota(_limits));

    private bool HasIdentifierAndQuota(ServerLimits limits) =>
        _pending.QuotaUsed < limits.ReceiveMaximum && identifiers.Count < PacketIdentifiers.MaximumPublishes;

    private bool CanResend(PendingPublish pending) =>
        _limits is not null && output.HasRoomFor(pending.Length) && _pending.QuotaUsed < _limits.ReceiveMaximum;

    /// <summary>
    /// What is written late may be in vain: a later server may have narrower limits, the message may have expired, or nobody wants it any
    /// more. A QoS 1 message is then not sent again, although [MQTT-4.4.0-1] asks for all that is unacknowledged: nobody is to act on it
    /// after its time, and the server keeps nothing of it. A QoS 2 message goes on as long as the Session lasts [MQTT-4.3.3-7].
    /// </summary>
    private bool GiveUp(PendingPublish pending, PublishList list, TimeSpan now)
    {
        var sent = pending.Progress == PublishProgress.InFlight;
        var mustGoOn = sent && pending.QoS == QualityOfService.ExactlyOnce && _limits!.SessionPresent;
        if (Refusal(pending.QoS, pending.Retain, pending.Length) is { } code)
        {
            _pending.Fail(pending, Refused(pending.Topic, code, pending.QoS, pending.Length, sent));
        }
        else if ((pending.TryAge(now, options.ProtocolVersion) && pending.TryRenew(options.ProtocolVersion)) || mustGoOn)
        {
            return false;
        }
        else
        {
            _pending.Fail(
                pending,
                new ConnectionException(
                    $"The message to «{pending.Topic}» expired before there was a connection to send it{(sent ? " again" : "")}.",
                    sent: sent)
                {
                    IsExpired = true,
                });
        }

        _pending.TakeOut(pending, list);
        return true;
    }

    /// <summary>What the server has said beforehand, with what was asked of it.</summary>
    private RefusedException Refused(string topic, ReasonCode code, QualityOfService qos, int size, bool wasSentBefore = false)
    {
        var why = code switch
        {
            ReasonCode.PacketTooLarge when _limits?.MaximumPacketSize is { } maximum =>
                $"the packet has {size} bytes, and the server takes {maximum} at most (Maximum Packet Size, MQTT 5 §3.2.2.3.6)",
            ReasonCode.PacketTooLarge => $"the packet has {size} bytes, and MQTT has room for {LargestPacket} at most (§2.1.4)",
            ReasonCode.QoSNotSupported =>
                $"it has QoS {(int)qos}, and the server takes {(int)_limits!.MaximumQoS} at most (Maximum QoS, MQTT 5 §3.2.2.3.4)",
            _ => "the server keeps no retained messages (Retain Available, MQTT 5 §3.2.2.3.5)",
        };
        return new RefusedException("PUBLISH", topic, code, why) { WasSentBefore = wasSentBefore };
    }

    /// <summary>Writes a QoS 1 or 2 message for the first time.</summary>
    /// <returns>Why it was not written, and is over; <c>null</c>: it was.</returns>
    private SessionStoreException? Launch(PendingPublish pending)
    {
        if (_pending.Launch(pending) is { } failure)
        {
            pending.Tell(default, failure);
            _pending.Settle(pending);
            return failure;
        }

        _writer.Write(pending.Packet, pending.TopicOffset, pending.TopicLength);
        _pending.Occupy(pending);
        return null;
    }

    private static string Text(ReadOnlySpan<byte> topic) => System.Text.Encoding.UTF8.GetString(topic);

    private void WriteRelease(PacketIdentifier identifier, ReasonCode code = ReasonCode.Success)
    {
        // A PUBREC may be the last packet of a connection that has ended for us: its PUBREL goes out over the next.
        if (_limits is not null)
        {
            AcknowledgementPacket.Write(output.Filling, PacketType.PubRel, identifier, code, options.ProtocolVersion);
        }
    }
}
