using System.Buffers;
using Antiphon.Client.Connections;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Messages on their way to the server: those that wait to be written, and the QoS 1 ones that wait for their PUBACK, both in order [MQTT-4.6.0-1]. Writes to the output within the server's
/// limits and Receive Maximum [MQTT-3.3.4-7]. Guarded by the lock of <see cref="SharedSession"/>.
/// </summary>
internal sealed class OutgoingPublishes(SharedSession session, PacketIdentifiers identifiers, ConnectionOutput output)
{
    private const int LargestPool = 1024;

    // For the process.
    private readonly OutputBuffer _scratch = new();
    private PendingPublish? _pool;
    private int _pooled;

    // For the Session.
    private readonly PublishList _waiting = new();
    private readonly PublishList _inFlight = new();

    // For the Network Connection.
    private ServerLimits? _limits;
    private PendingPublish? _resend;
    private int _quotaUsed;

    /// <summary>QoS 1 messages that have been written and not acknowledged.</summary>
    public int Unacknowledged => _inFlight.Count;

    /// <summary>Messages appended to the output since the start.</summary>
    public long Written { get; private set; }

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

    /// <summary>Writes a message, or lets it wait.</summary>
    /// <param name="message">The message with its Topic in UTF-8.</param>
    /// <param name="size">The whole packet's size in bytes.</param>
    /// <param name="topic">The Topic Name, for exceptions.</param>
    /// <param name="now">The time now.</param>
    /// <returns>What to wait for; <c>null</c> for a QoS 0 message that has been written.</returns>
    public PendingPublish? Add(in PublishView message, int size, string topic, TimeSpan now)
    {
        var writeNow = _waiting.Count == 0 && _resend is null && CanWrite(message.QoS, size);
        if (writeNow && message.QoS == QualityOfService.AtMostOnce)
        {
            PublishEncoder.Write(output.Filling, message, new Delivery { Retain = message.Retain }, ProtocolVersion.V5);
            output.Filling.AtMostOnceMessages++;
            Written++;
            return null;
        }

        var pending = Rent();

        // One that waits gets its identifier when it goes; until then any keeps its bytes well formed.
        var identifier = writeNow ? identifiers.Allocate(pending) : new PacketIdentifier(1);
        var buffer = writeNow ? output.Filling : _scratch;
        var start = buffer.Length;
        PublishEncoder.Write(buffer, message, new Delivery { QoS = message.QoS, Retain = message.Retain, PacketIdentifier = identifier }, ProtocolVersion.V5);
        pending.Begin(topic, buffer.Written.Span[start..], message.QoS, message.Retain, now);
        if (writeNow)
        {
            pending.SetIdentifier(identifier);
            Launch(pending);
        }
        else
        {
            _scratch.Clear();
            _waiting.Add(pending);
        }

        return pending;
    }

    /// <summary>The server has accepted a connection: what is unacknowledged goes first, then what waits.</summary>
    public void Connected(ServerLimits limits, TimeSpan now)
    {
        _limits = limits;
        _quotaUsed = 0;
        _resend = _inFlight.First;
        for (var pending = _inFlight.First; pending is not null; pending = pending.Next)
        {
            pending.HoldsQuota = false;
            pending.SetDup(limits.SessionPresent);
        }

        Advance(now);
    }

    /// <summary>The connection has ended: nothing is written from now on.</summary>
    public void Disconnected() => _limits = null;

    /// <summary>Writes what may be written by now: after a PUBACK, and when the output has been sent.</summary>
    public void Advance(TimeSpan now)
    {
        while (_resend is { } pending && CanResend(pending))
        {
            _resend = pending.Next;
            if (!GiveUp(pending, _inFlight, now))
            {
                Append(pending);
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
                Append(pending);
                output.Filling.AtMostOnceMessages++;
                pending.Complete(new PublishResult(ReasonCode.Success));
                Settle(pending);
            }
            else
            {
                pending.SetIdentifier(identifiers.Allocate(pending));
                output.Filling.Write(pending.Packet);
                Launch(pending);
            }
        }
    }

    /// <summary>A PUBACK arrived.</summary>
    /// <param name="pending">The message that it is for.</param>
    /// <param name="result">What it says.</param>
    /// <param name="now">The time now.</param>
    public void Acknowledged(PendingPublish pending, PublishResult result, TimeSpan now)
    {
        if (result.ReasonCode < ReasonCode.UnspecifiedError)
        {
            pending.Complete(result);
        }
        else
        {
            pending.Fail(new RefusedException("PUBLISH", pending.Topic, result.ReasonCode, result.ReasonString));
        }

        TakeOut(pending, _inFlight);
        Advance(now);
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
        while ((_inFlight.First ?? _waiting.First) is { } pending)
        {
            var sent = pending.Progress == PublishProgress.InFlight;
            pending.Fail(exception(sent));
            TakeOut(pending, sent ? _inFlight : _waiting);
        }
    }

    /// <summary>The caller has read the result.</summary>
    public void Recycle(PendingPublish pending)
    {
        pending.ResultRead();
        ReturnIfFree(pending);
    }

    private bool CanWrite(QualityOfService qos, int size) =>
        _limits is not null && output.HasRoomFor(size)
        && (qos == QualityOfService.AtMostOnce || (_quotaUsed < _limits.ReceiveMaximum && identifiers.Count < PacketIdentifiers.MaximumPublishes));

    private bool CanResend(PendingPublish pending) => _limits is not null && output.HasRoomFor(pending.Length) && _quotaUsed < _limits.ReceiveMaximum;

    /// <summary>
    /// What is written late may be in vain: a later server may have narrower limits, and the message may have expired. What an existing Session is owed goes out all the same [MQTT-4.4.0-1].
    /// </summary>
    private bool GiveUp(PendingPublish pending, PublishList list, TimeSpan now)
    {
        var sent = pending.Progress == PublishProgress.InFlight;
        if (Refusal(pending.QoS, pending.Retain, pending.Length) is { } code)
        {
            pending.Fail(new RefusedException("PUBLISH", pending.Topic, code));
        }
        else if (!pending.TryAge(now) && !(sent && _limits!.SessionPresent))
        {
            pending.Fail(new ConnectionException($"The message to «{pending.Topic}» expired before there was a connection to send it.", sent: sent));
        }
        else
        {
            return false;
        }

        TakeOut(pending, list);
        return true;
    }

    private void Launch(PendingPublish pending)
    {
        pending.Progress = PublishProgress.InFlight;
        _inFlight.Add(pending);
        Occupy(pending);
        Written++;
    }

    private void Append(PendingPublish pending)
    {
        output.Filling.Write(pending.Packet);
        Written++;
    }

    private void Occupy(PendingPublish pending)
    {
        pending.HoldsQuota = true;
        _quotaUsed++;
    }

    private void TakeOut(PendingPublish pending, PublishList list)
    {
        if (_resend == pending)
        {
            _resend = pending.Next;
        }

        list.Remove(pending);
        Settle(pending);
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
        ReturnIfFree(pending);
    }

    private PendingPublish Rent()
    {
        if (_pool is not { } pending)
        {
            return new PendingPublish(session);
        }

        _pool = pending.Next;
        pending.Next = null;
        _pooled--;
        return pending;
    }

    private void ReturnIfFree(PendingPublish pending)
    {
        if (pending.IsFree && _pooled < LargestPool)
        {
            pending.Reset();
            pending.Next = _pool;
            _pool = pending;
            _pooled++;
        }
    }
}
