using Antiphon.Client.Connections;
using Antiphon.Client.Sessions;
using Antiphon.Client.Stores;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Messages on their way to the server: those that wait to be written, those that wait for PUBACK or PUBREC, and those that wait for PUBCOMP, each in order [MQTT-4.6.0-1, MQTT-4.6.0-4].
/// Writes to the output within the server's limits and Receive Maximum [MQTT-3.3.4-7]. Guarded by the lock of <see cref="SharedSession"/>.
/// </summary>
internal sealed class OutgoingPublishes(SharedSession session, PacketIdentifiers identifiers, ConnectionOutput output, SessionJournal journal, MqttClientOptions options)
{
    // For the process.
    private readonly OutputBuffer _scratch = new();
    private readonly PublishPool _pool = new(session);
    private readonly PublishWriter _writer = new(output, options.MaximumTopicAliases, options.ProtocolVersion);

    // For the Session.
    private readonly PublishList _waiting = new();
    private readonly PublishList _inFlight = new();
    private readonly PublishList _released = new();

    // For the Network Connection.
    private ServerLimits? _limits;
    private PendingPublish? _resend;
    private int _quotaUsed;

    /// <summary>QoS 1 and 2 messages that have been written and whose handshake is not over.</summary>
    public int Unacknowledged => _inFlight.Count + _released.Count;

    /// <summary>Messages appended to the output since the start.</summary>
    public long Written => _writer.Count;

    /// <summary>Why the server would not take such a message; <c>null</c>: it would, or there is no server to ask.</summary>
    public ReasonCode? Refusal(QualityOfService qos, bool retain, int size)
    {
        if (_limits is not { } limits)
        {
            return null;
        }

        return qos > limits.MaximumQoS ? ReasonCode.QoSNotSupported
            : retain && !limits.RetainAvailable ? ReasonCode.RetainNotSupported
            : size > limits.MaximumPacketSize ? ReasonCode.PacketTooLarge
            : null;
    }

    /// <summary>Writes a message, or lets it wait; beyond <see cref="MqttClientOptions.MaximumQueuedMessages"/> it is not taken.</summary>
    /// <param name="message">The message with its Topic in UTF-8.</param>
    /// <param name="size">The whole packet's size in bytes.</param>
    /// <param name="topic">The Topic Name, for exceptions.</param>
    /// <param name="now">The time now.</param>
    /// <param name="pending">What to wait for; <c>null</c> for a QoS 0 message that has been written.</param>
    /// <returns>Whether it has been taken.</returns>
    public bool TryAdd(in PublishView message, int size, string topic, TimeSpan now, out PendingPublish? pending)
    {
        pending = null;
        var writeNow = _waiting.Count == 0 && _resend is null && CanWrite(message.QoS, size);
        if (writeNow && message.QoS == QualityOfService.AtMostOnce)
        {
            _writer.WriteAtMostOnce(message, topic, size);
            return true;
        }

        if (!writeNow && _waiting.Count >= options.MaximumQueuedMessages)
        {
            return false;
        }

        // One that waits gets its identifier when it goes; until then any keeps its bytes well formed.
        pending = _pool.Rent();
        PublishEncoder.Write(
            _scratch,
            message,
            new Delivery { QoS = message.QoS, Retain = message.Retain, PacketIdentifier = new PacketIdentifier(1) },
            options.ProtocolVersion);
        pending.Begin(topic, _scratch.Written.Span, message.QoS, message.Retain, now);
        _scratch.Clear();
        if (writeNow)
        {
            Launch(pending);
        }
        else
        {
            _waiting.Add(pending);
        }

        return true;
    }

    /// <summary>Takes over what an earlier client has left behind unacknowledged.</summary>
    public void Restore(StoredSession session, TimeSpan now)
    {
        foreach (var stored in session.Publishes)
        {
            var pending = _pool.Rent();
            pending.Begin(stored.Packet.Span, options.ProtocolVersion, now);
            pending.Restore(stored.Identifier, PublishProgress.InFlight);
            identifiers.Claim(stored.Identifier, pending);
            _inFlight.Add(pending);
        }

        foreach (var identifier in session.Released)
        {
            var pending = _pool.Rent();
            pending.Restore(identifier, PublishProgress.Released);
            identifiers.Claim(identifier, pending);
            _released.Add(pending);
        }
    }

    /// <summary>The server has accepted a connection: what is unacknowledged goes first, then what waits.</summary>
    public void Connected(ServerLimits limits, TimeSpan now)
    {
        _limits = limits;
        _writer.Connected(limits);
        if (!limits.SessionPresent)
        {
            GiveUpExactlyOnce();
        }

        // PUBREL takes nothing from the quota, but what it belongs to is unfinished, and counts (MQTT 5 §4.9).
        for (var pending = _released.First; pending is not null; pending = pending.Next)
        {
            pending.ReleasedAgain = true;
            Occupy(pending);
            WriteRelease(pending.PacketIdentifier);
        }

        _resend = _inFlight.First;
        for (var pending = _inFlight.First; pending is not null; pending = pending.Next)
        {
            pending.SetDup(limits.SessionPresent);
        }

        Advance(now);
    }

    /// <summary>The connection has ended: nothing is written from now on, and the quota is the next one's.</summary>
    public void Disconnected()
    {
        _limits = null;
        _quotaUsed = 0;
        foreach (var list in (ReadOnlySpan<PublishList>)[_released, _inFlight])
        {
            for (var pending = list.First; pending is not null; pending = pending.Next)
            {
                pending.HoldsQuota = false;
            }
        }
    }

    /// <summary>Writes what may be written by now: after an acknowledgement, and when the output has been sent.</summary>
    public void Advance(TimeSpan now)
    {
        while (_resend is { } pending && CanResend(pending))
        {
            _resend = pending.Next;
            if (!GiveUp(pending, _inFlight, now))
            {
                _writer.Write(pending);
                Occupy(pending);
            }
        }

        while (_resend is null && _waiting.First is { } pending && CanWrite(pending.QoS, pending.Length))
        {
            if (GiveUp(pending, _waiting, now))
            {
                continue;
            }

            _waiting.Remove(pending);
            if (pending.QoS == QualityOfService.AtMostOnce)
            {
                _writer.Write(pending);
                pending.Complete(new PublishResult(ReasonCode.Success));
                Settle(pending);
            }
            else
            {
                Launch(pending);
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
        TakeOut(pending, _inFlight);
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
            case PendingPublish { QoS: QualityOfService.ExactlyOnce, Progress: PublishProgress.InFlight } pending when result.ReasonCode < ReasonCode.UnspecifiedError:
                pending.Recorded = result;
                journal.ReleasePublish(identifier);
                Move(pending, _inFlight, _released);
                pending.Progress = PublishProgress.Released;
                WriteRelease(identifier);
                return default;
            case PendingPublish { QoS: QualityOfService.ExactlyOnce, Progress: PublishProgress.InFlight } pending:
                End(pending, result);
                TakeOut(pending, _inFlight);
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
                // An unknown identifier is what a repeated PUBREL finds when the first had come through; after a first one, the server has lost the message.
                End(pending, code == ReasonCode.Success || pending.ReleasedAgain ? pending.Recorded : new PublishResult(code));
                TakeOut(pending, _released);
                Advance(now);
                return default;
            case null:
                // The answer to a PUBREL for what we did not know.
                return default;
            default:
                return PacketIdentifiers.Unexpected(PacketType.PubComp, identifier);
        }
    }

    /// <summary>The caller does not want to wait any longer.</summary>
    public void Cancel(PendingPublish pending, TimeSpan now, CancellationToken cancellationToken)
    {
        if (pending.Progress == PublishProgress.Waiting)
        {
            pending.Fail(new PublishWithdrawnException(cancellationToken));
            TakeOut(pending, _waiting);
            Advance(now);
        }
        else
        {
            pending.Fail(new OperationCanceledException("The wait for the acknowledgement was cancelled; the message had been sent.", cancellationToken));
        }
    }

    /// <summary>The client has stopped: every message ends.</summary>
    public void Stop(Func<bool, ConnectionException> exception)
    {
        _limits = null;
        _resend = null;
        foreach (var list in (ReadOnlySpan<PublishList>)[_released, _inFlight, _waiting])
        {
            while (list.First is { } pending)
            {
                pending.Fail(exception(pending.Progress != PublishProgress.Waiting));
                Unlink(pending, list);
                Settle(pending);
            }
        }
    }

    /// <summary>The caller has read the result.</summary>
    public void Recycle(PendingPublish pending)
    {
        pending.ResultRead();
        _pool.ReturnIfFree(pending);
    }

    private void End(PendingPublish pending, PublishResult result)
    {
        if (result.ReasonCode < ReasonCode.UnspecifiedError)
        {
            pending.Complete(result);
        }
        else
        {
            Fail(pending, new RefusedException("PUBLISH", pending.Topic, result.ReasonCode, result.ReasonString));
        }
    }

    /// <summary>The message has come to nothing, or nobody knows; where no caller waits, the log is told.</summary>
    private void Fail(PendingPublish pending, MqttException failure)
    {
        pending.Fail(failure);
        if (pending.IsRestored)
        {
            session.RestoredPublishFailed(failure);
        }
    }

    private bool IsInFlight(PacketIdentifier identifier, QualityOfService qos, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PendingPublish? pending)
    {
        pending = identifiers.Find(identifier) as PendingPublish;
        return pending is { Progress: PublishProgress.InFlight } && pending.QoS == qos;
    }

    private bool CanWrite(QualityOfService qos, int size) =>
        _limits is not null && output.HasRoomFor(size)
        && (qos == QualityOfService.AtMostOnce || (_quotaUsed < _limits.ReceiveMaximum && identifiers.Count < PacketIdentifiers.MaximumPublishes));

    private bool CanResend(PendingPublish pending) => _limits is not null && output.HasRoomFor(pending.Length) && _quotaUsed < _limits.ReceiveMaximum;

    /// <summary>
    /// The server has lost the Session. What it had begun to take exactly once, it may have delivered or not; sending that as new could deliver it twice, so that it is left to the caller.
    /// Where there is no caller any more, what has no PUBREC is sent as new: of the two mistakes, that one loses nothing.
    /// </summary>
    private void GiveUpExactlyOnce()
    {
        foreach (var list in (ReadOnlySpan<PublishList>)[_released, _inFlight])
        {
            for (var pending = list.First; pending is not null;)
            {
                var next = pending.Next;
                if (list == _released || (pending.QoS == QualityOfService.ExactlyOnce && !pending.IsRestored))
                {
                    Fail(pending, new ConnectionException(
                        $"The server has lost the Session while the QoS 2 message to «{pending.Topic}» was on its way; it may have arrived or not (MQTT 5 §4.4).", sent: true));
                    TakeOut(pending, list);
                }

                pending = next;
            }
        }
    }

    /// <summary>
    /// What is written late may be in vain: a later server may have narrower limits, and the message may have expired. What an existing Session is owed goes out all the same
    /// [MQTT-4.4.0-1, MQTT-4.3.3-7].
    /// </summary>
    private bool GiveUp(PendingPublish pending, PublishList list, TimeSpan now)
    {
        var sent = pending.Progress == PublishProgress.InFlight;
        if (Refusal(pending.QoS, pending.Retain, pending.Length) is { } code)
        {
            Fail(pending, new RefusedException("PUBLISH", pending.Topic, code));
        }
        else if (!pending.TryAge(now, options.ProtocolVersion) && !(sent && _limits!.SessionPresent))
        {
            Fail(pending, new ConnectionException($"The message to «{pending.Topic}» expired before there was a connection to send it.", sent: sent));
        }
        else
        {
            return false;
        }

        TakeOut(pending, list);
        return true;
    }

    /// <summary>Writes a QoS 1 or 2 message for the first time.</summary>
    private void Launch(PendingPublish pending)
    {
        pending.SetIdentifier(identifiers.Allocate(pending));
        if (journal.TryAddPublish(pending.PacketIdentifier, pending.Topic, pending.Packet) is { } failure)
        {
            pending.Fail(failure);
            Settle(pending);
            return;
        }

        pending.Progress = PublishProgress.InFlight;
        _inFlight.Add(pending);
        _writer.Write(pending);
        Occupy(pending);
    }

    private void WriteRelease(PacketIdentifier identifier, ReasonCode code = ReasonCode.Success)
    {
        // A PUBREC may be the last packet of a connection that has ended for us: its PUBREL goes out over the next.
        if (_limits is not null)
        {
            AcknowledgementPacket.Write(output.Filling, PacketType.PubRel, identifier, code, options.ProtocolVersion);
        }
    }

    private void Occupy(PendingPublish pending)
    {
        pending.HoldsQuota = true;
        _quotaUsed++;
    }

    /// <summary>The message is over, or never began.</summary>
    private void TakeOut(PendingPublish pending, PublishList list)
    {
        Unlink(pending, list);
        if (pending.Progress != PublishProgress.Waiting)
        {
            journal.RemovePublish(pending.PacketIdentifier);
        }

        Settle(pending);
    }

    private void Move(PendingPublish pending, PublishList from, PublishList to)
    {
        Unlink(pending, from);
        to.Add(pending);
    }

    private void Unlink(PendingPublish pending, PublishList list)
    {
        if (_resend == pending)
        {
            _resend = pending.Next;
        }

        list.Remove(pending);
    }

    private void Settle(PendingPublish pending)
    {
        if (pending.HoldsQuota)
        {
            _quotaUsed--;
        }

        if (pending.PacketIdentifier != PacketIdentifier.None)
        {
            identifiers.Release(pending.PacketIdentifier);
        }

        pending.Settle();
        _pool.ReturnIfFree(pending);
    }
}
