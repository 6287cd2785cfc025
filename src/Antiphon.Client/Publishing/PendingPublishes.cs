using Antiphon.Client.Sessions;
using Antiphon.Client.Stores;
using Antiphon.Protocol;
using Antiphon.Protocol.Windows;

namespace Antiphon.Client.Publishing;

/// <summary>
/// The messages that are not over, by how far they have come and each in order, with what they occupy:
/// Packet Identifiers, the server's Receive Maximum, room in the store. Writes nothing. Guarded by the gate of <see cref="ClientSession"/>.
/// </summary>
internal sealed class PendingPublishes(
    ClientSession session, PacketIdentifiers<object> identifiers, SessionJournal journal, ProtocolVersion version)
{
    // For the process.
    private readonly PublishPool _pool = new();

    /// <summary>Those that wait to be written.</summary>
    public PublishList Waiting { get; } = new();

    /// <summary>Those that wait for PUBACK or PUBREC.</summary>
    public PublishList InFlight { get; } = new();

    /// <summary>Those that wait for PUBCOMP.</summary>
    public PublishList Released { get; } = new();

    /// <summary>The first in flight that has not been sent over this Network Connection; <c>null</c>: there is none.</summary>
    public PendingPublish? Resend { get; private set; }

    /// <summary>How many count against the Receive Maximum of this Network Connection.</summary>
    public int QuotaUsed { get; private set; }

    /// <summary>One to begin a message with.</summary>
    public PendingPublish Rent() => _pool.Rent();

    /// <summary>Takes over what an earlier client has left behind unacknowledged.</summary>
    public void Restore(StoredSession stored, TimeSpan now)
    {
        foreach (var publish in stored.Publishes)
        {
            var pending = _pool.Rent();
            pending.Restore(publish.Packet.Span, publish.Identifier, version, now);
            identifiers.Claim(publish.Identifier, pending);
            InFlight.Add(pending);
        }

        foreach (var identifier in stored.Released)
        {
            var pending = _pool.Rent();
            pending.Restore(identifier, PublishProgress.Released);
            identifiers.Claim(identifier, pending);
            Released.Add(pending);
        }
    }

    /// <summary>Everything in flight is to be sent again.</summary>
    /// <param name="sessionPresent">Whether the server has its side of the Session; otherwise it goes out as new.</param>
    public void BeginResending(bool sessionPresent)
    {
        Resend = InFlight.First;
        for (var pending = InFlight.First; pending is not null; pending = pending.Next)
        {
            pending.SetDup(sessionPresent);
            pending.WasSentBefore = true;
        }
    }

    /// <summary>The one that was to be sent again has its turn.</summary>
    public void PassResend() => Resend = Resend?.Next;

    /// <summary>
    /// The server has lost the Session. What it had begun to take exactly once, it may have delivered or not;
    /// sending that as new could deliver it twice, so that it is left to the caller.
    /// Where there is no caller any more, what has no PUBREC is sent as new: of the two mistakes, that one loses nothing.
    /// </summary>
    public void GiveUpExactlyOnce()
    {
        foreach (var list in (ReadOnlySpan<PublishList>)[Released, InFlight])
        {
            for (var pending = list.First; pending is not null;)
            {
                var next = pending.Next;
                if (list == Released || (pending.QoS == QualityOfService.ExactlyOnce && !pending.IsRestored))
                {
                    Fail(pending, new ConnectionException(
                        $"The server has lost the Session while the QoS 2 message to «{pending.Topic}» was on its way; it may have "
                        + "arrived or not (MQTT 5 §4.4).", sent: true));
                    TakeOut(pending, list);
                }

                pending = next;
            }
        }
    }

    /// <summary>The connection has ended: the quota is the next one's.</summary>
    public void Disconnected()
    {
        QuotaUsed = 0;
        foreach (var list in (ReadOnlySpan<PublishList>)[Released, InFlight])
        {
            for (var pending = list.First; pending is not null; pending = pending.Next)
            {
                pending.HoldsQuota = false;
            }
        }
    }

    /// <summary>A QoS 1 or 2 message is about to be written for the first time: it gets its identifier, and is stored.</summary>
    /// <returns>Why it must not be written; <c>null</c>: it may be.</returns>
    public SessionStoreException? Launch(PendingPublish pending)
    {
        pending.SetIdentifier(identifiers.Allocate(pending));
        if (!pending.IsForSinkOnly && journal.TryAddPublish(pending) is { } failure)
        {
            return failure;
        }

        pending.Progress = PublishProgress.InFlight;
        InFlight.Add(pending);
        return null;
    }

    /// <summary>It has been written to this Network Connection, and counts against its Receive Maximum.</summary>
    public void Occupy(PendingPublish pending)
    {
        pending.HoldsQuota = true;
        QuotaUsed++;
    }

    /// <summary>PUBREC has come: it waits for PUBCOMP from now on.</summary>
    public void Release(PendingPublish pending)
    {
        journal.ReleasePublish(pending.PacketIdentifier);
        Unlink(pending, InFlight);
        Released.Add(pending);
        pending.Progress = PublishProgress.Released;
    }

    /// <summary>The message has come to nothing, or nobody knows; where no caller waits, the log is told.</summary>
    public void Fail(PendingPublish pending, MqttException failure)
    {
        pending.Tell(default, failure);
        if (pending.IsRestored)
        {
            session.Failures.RestoredPublishFailed(failure);
        }
    }

    /// <summary>The message is over, or never began.</summary>
    public void TakeOut(PendingPublish pending, PublishList list)
    {
        Unlink(pending, list);
        if (pending.Progress != PublishProgress.Waiting && !pending.IsForSinkOnly)
        {
            journal.RemovePublish(pending.PacketIdentifier);
        }

        Settle(pending);
    }

    /// <summary>Gives back what a message occupies that is in no list any more.</summary>
    public void Settle(PendingPublish pending)
    {
        if (pending.HoldsQuota)
        {
            QuotaUsed--;
        }

        if (pending.PacketIdentifier != PacketIdentifier.None)
        {
            identifiers.Release(pending.PacketIdentifier);
        }

        _pool.Return(pending);
    }

    /// <summary>The client has stopped: every message ends. The store keeps what it has.</summary>
    public void Stop(Func<bool, ConnectionException> exception)
    {
        Resend = null;
        foreach (var list in (ReadOnlySpan<PublishList>)[Released, InFlight, Waiting])
        {
            while (list.First is { } pending)
            {
                pending.Tell(default, exception(pending.Progress != PublishProgress.Waiting));
                Unlink(pending, list);
                Settle(pending);
            }
        }
    }

    private void Unlink(PendingPublish pending, PublishList list)
    {
        if (Resend == pending)
        {
            Resend = pending.Next;
        }

        list.Remove(pending);
    }
}
