using Antiphon.Broker.Connections;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// The one way out for PUBACK and PUBREC to publishers. What has to wait is held here:
/// until the commit that makes it true, and while memory is short. What is held of one connection leaves in its order,
/// and what comes after it waits behind it [MQTT-4.6.0-2, MQTT-4.6.0-3]. What waits for the client's own pace comes through here, too.
/// </summary>
internal sealed class AcknowledgementGate(MemoryPressure pressure, FlushList flushList, EngineCounters counters)
{
    /// <summary>For an acknowledgement that waits for no commit, because nothing about its message had to be stored.</summary>
    public const long NoCommit = 0;

    /// <summary>So many leave in one turn.</summary>
    internal const int ReleasedPerTurn = 4096;

    /// <summary>What one that is held takes in memory, in bytes.</summary>
    private const int HeldSize = 32;

    private readonly Queue<HeldAcknowledgement> _held = new();
    private long _committed;

    /// <summary>Whether <see cref="Release"/> has something to do.</summary>
    public bool IsReady => !pressure.IsWithholding && _held.TryPeek(out var held) && held.Commit <= _committed;

    /// <summary>Acknowledges a publisher's message, now or as soon as it may be.</summary>
    /// <param name="connection">Over which the message came.</param>
    /// <param name="session">Its Session.</param>
    /// <param name="answer">PUBACK or PUBREC.</param>
    /// <param name="identifier">The message's Packet Identifier.</param>
    /// <param name="code">What to say.</param>
    /// <param name="reason">Why, if that is known better than the code says it.</param>
    /// <param name="afterCommit">
    /// The commit that has to be done first. Commits are numbered from 1 on, and each includes those before it.
    /// </param>
    public void Acknowledge(
        Connection connection,
        Session session,
        PacketType answer,
        PacketIdentifier identifier,
        ReasonCode code,
        string? reason = null,
        long afterCommit = NoCommit)
    {
        if (!pressure.WithholdsAcknowledgements() && connection.HeldAcknowledgements == 0 && afterCommit <= _committed)
        {
            session.Received.Answer(answer, identifier, code);
            Write(connection, answer, identifier, code, reason);
            return;
        }

        Enqueue(Withhold(connection, session, answer, identifier, code, reason, afterCommit));
    }

    /// <summary>
    /// Withholds an acknowledgement for a reason that is the caller's, who hands it to <see cref="Admit"/> in its order.
    /// </summary>
    /// <param name="connection">Over which the message came.</param>
    /// <param name="session">Its Session.</param>
    /// <param name="answer">PUBACK or PUBREC.</param>
    /// <param name="identifier">The message's Packet Identifier.</param>
    /// <param name="code">What to say.</param>
    /// <param name="reason">Why, if that is known better than the code says it.</param>
    /// <param name="afterCommit">The commit that has to be done first.</param>
    public HeldAcknowledgement Withhold(
        Connection connection,
        Session session,
        PacketType answer,
        PacketIdentifier identifier,
        ReasonCode code,
        string? reason = null,
        long afterCommit = NoCommit)
    {
        session.Received.Withhold(answer, identifier, code);
        counters.WithheldAcknowledgements++;
        pressure.WithheldBytes += HeldSize;
        return new HeldAcknowledgement(connection, answer, identifier, code, reason, afterCommit);
    }

    /// <summary>What was withheld may leave as far as the caller is concerned: now, or once nothing here holds it.</summary>
    public void Admit(in HeldAcknowledgement held)
    {
        if (!pressure.WithholdsAcknowledgements() && held.Connection.HeldAcknowledgements == 0 && held.Commit <= _committed)
        {
            LetGo(held);
        }
        else
        {
            Enqueue(held);
        }
    }

    /// <summary>The store has done a commit, and those before it. What waits for it leaves with <see cref="Release"/>.</summary>
    public void Committed(long commit) => _committed = commit;

    /// <summary>Lets go what has nothing left to wait for, in slices. Called once a turn, after the pressure has been looked at.</summary>
    public void Release()
    {
        for (var left = ReleasedPerTurn; left > 0 && IsReady; left--)
        {
            var held = _held.Dequeue();
            held.Connection.HeldAcknowledgements--;
            LetGo(held);
        }
    }

    private void Enqueue(in HeldAcknowledgement held)
    {
        held.Connection.HeldAcknowledgements++;
        _held.Enqueue(held);
    }

    private void LetGo(in HeldAcknowledgement held)
    {
        pressure.WithheldBytes -= HeldSize;
        counters.WithheldAcknowledgements--;

        // A client whose connection has ended since is not told: it sends the message again.
        if (held.Connection.Session is { } session)
        {
            session.Received.EndWithholding(held.Answer, held.Identifier, held.Code);
            Write(held.Connection, held.Answer, held.Identifier, held.Code, held.Reason);
        }
    }

    private void Write(Connection connection, PacketType answer, PacketIdentifier identifier, ReasonCode code, string? reason)
    {
        PublishAnswer.Write(connection, answer, identifier, code, reason);
        flushList.Mark(connection);
    }
}
