using System.Buffers;
using Antiphon.Broker.Access;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Sessions;

/// <summary>All Sessions by Client Identifier, and how they begin, rest and end (MQTT 5 §4.1).</summary>
internal sealed class SessionTable(
    OwnResponseTopics responseTopics,
    Router router,
    Sender sender,
    Redispatch redispatch,
    EndedSessions ended,
    GroupMembers groupMembers,
    SessionMemory memory,
    QueueMemory queueMemory,
    AccessControl access,
    CallerStamp? stamp,
    TimingWheel wheel,
    EngineCounters counters)
{
    private readonly Dictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    private readonly List<Session> _all = [];

    /// <summary>All of them, in no particular order.</summary>
    public IReadOnlyList<Session> All => _all;

    /// <summary>All of them, as they are at this moment.</summary>
    public IReadOnlyList<Session> ToList() => [.. _all];

    public Session? Find(string clientId) => _sessions.GetValueOrDefault(clientId);

    /// <summary>How many Sessions have a connection.</summary>
    public int ConnectedCount { get; private set; }

    public Session Begin(string clientId, ClientUser? user)
    {
        var session = new Session(clientId, user, queueMemory);
        _sessions.Add(clientId, session);
        _all.Join(session);
        memory.Add(session, SessionMemory.SizeOf(clientId));
        counters.Sessions++;
        return session;
    }

    /// <summary>The client is there.</summary>
    public void Attach(Session session, Connection connection)
    {
        ConnectedCount++;
        session.Connection = connection;
        connection.Session = session;
        connection.IsFanningOut = session.FanOuts > 0;
        session.ConnectedBy(connection.User);
        groupMembers.Update(session);
        counters.ConnectedClients++;
        counters.MaximumConnectedClients = Math.Max(counters.MaximumConnectedClients, counters.ConnectedClients);
        session.WillDue = session.Expires = Instant.Never;
        if (session.Deadline is { } deadline)
        {
            wheel.Cancel(deadline);
        }
    }

    /// <summary>
    /// The client is gone: its Session rests, or ends with the connection; its Will is published, now or later [MQTT-3.1.2-8].
    /// </summary>
    public void Detach(Session session, Instant now)
    {
        ConnectedCount--;
        memory.ReleaseAliases(session.Connection!, session);
        session.ConnectionEnded();
        counters.ConnectedClients--;
        if (session.ExpiryInterval == TimeSpan.Zero)
        {
            End(session, now);
            return;
        }

        groupMembers.Update(session);
        redispatch.ConnectionEnded(session, now);
        session.Expires = now + session.ExpiryInterval;
        if (session.Will is { } will)
        {
            session.WillDue = now + TimeSpan.FromSeconds(will.DelayInterval ?? 0);
        }

        OnDeadline(session, now);
    }

    /// <summary>The Session's deadline was reached, or may have been.</summary>
    /// <returns>How many messages it has looked at.</returns>
    public int OnDeadline(Session session, Instant now)
    {
        if (session.Expires <= now)
        {
            End(session, now);
            return 0;
        }

        if (session.WillDue <= now)
        {
            PublishWill(session, now);
        }

        var searched = session.NextSearch <= now ? session.Waiting.Count : 0;
        sender.RemoveExpired(session, now);
        wheel.Set(
            session.Deadline ??= new Deadline(session),
            Instant.Earlier(Instant.Earlier(session.Expires, session.WillDue), session.NextSearch));
        return searched;
    }

    /// <summary>Ends a Session that no connection serves.</summary>
    public void End(Session session, Instant now)
    {
        if (session.Deadline is { } deadline)
        {
            wheel.Cancel(deadline);
        }

        _sessions.Remove(session.ClientId);
        _all.Leave(session);
        counters.Sessions--;
        responseTopics.Revoke(session);
        ended.Add(session, now);
        PublishWill(session, now);
    }

    private void PublishWill(Session session, Instant now)
    {
        session.WillDue = Instant.Never;
        if (session.Will is not { } will)
        {
            return;
        }

        session.Will = null;
        var bytes = new ArrayBufferWriter<byte>();
        var message = stamp?.Stamp(session, will.Message) ?? will.Message;
        new PublishPacket(message) { PacketIdentifier = new PacketIdentifier(1) }.WriteTo(bytes, ProtocolVersion.V5);
        if (FrameReader.TryRead(bytes.WrittenSpan, uint.MaxValue, out var frame, out var fault) != FrameStatus.Complete
            || !PublishView.TryDecode(frame, ProtocolVersion.V5, out var publish, out fault))
        {
            throw new InvalidOperationException($"A Will that CONNECT brought cannot be published: {fault.Message}");
        }

        // Rules that came since may deny it, and its client may be no bridge any more.
        if ((session.IsWillAuthorized || access.MayPublish(session, publish)) && MaySay(session, will.Message))
        {
            router.Route(publish, publisher: null, now);
        }
        else
        {
            counters.DeniedMessages++;
        }
    }

    private bool MaySay(Session session, ApplicationMessage will) =>
        (!will.UserProperties.Any(PublishRules.IsBrokers) || access.IsBridge(session))
        && stamp?.CheckWill(new ClientIdentity(session.ClientId, session.User), will) is not { Exists: true };
}
