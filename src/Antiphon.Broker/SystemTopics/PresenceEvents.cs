using System.Buffers;
using System.Text;
using System.Text.Json;
using Antiphon.Broker.Access;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.SystemTopics;

/// <summary>
/// Says who comes and who goes, on <c>$SYS/clients/{client id}/connected</c> and <c>…/disconnected</c>, as JSON with QoS 1 and not
/// retained. It says so where access rules decide who may read it, or the options allow it, and somebody subscribes below <c>$SYS</c>;
/// else it does nothing. A crowd that comes and goes is told of in slices, and what is more than is left to tell is counted.
/// Owned by the engine's thread.
/// </summary>
internal sealed class PresenceEvents(
    OptionsInForce options,
    AccessControl access,
    SubscriptionTable subscriptions,
    SubscriptionTree tree,
    Sender sender,
    MessagePool messages,
    EngineCounters counters)
{
    /// <summary>How many events may wait to be told.</summary>
    internal const int MaximumWaiting = 4096;

    /// <summary>How many deliveries are made in one turn; the event with which they are reached is delivered to all.</summary>
    internal const int DeliveriesPerTurn = 256;

    private readonly Queue<PresenceEvent> _waiting = new();
    private readonly ArrayBufferWriter<byte> _topic = new();
    private readonly ArrayBufferWriter<byte> _payload = new();

    /// <summary>Payload Format Indicator and Content Type.</summary>
    private static ReadOnlySpan<byte> Properties => "\u0001\u0001\u0003\u0000\u0010application/json"u8;

    /// <summary>Whether <see cref="Publish"/> has something to do.</summary>
    public bool IsReady => _waiting.Count > 0;

    /// <summary>A client is connected, or is not any more: then <see cref="Connection.CloseReason"/> says why.</summary>
    public void Note(Connection connection, bool isConnected, Instant now)
    {
        if (subscriptions.ToSystemTopics == 0 || (access.Rules is null && !options.Current.PresenceEvents))
        {
            return;
        }

        if (_waiting.Count >= MaximumWaiting)
        {
            counters.DroppedPresenceEvents++;
            return;
        }

        var reason = isConnected ? default : connection.CloseReason;
        _waiting.Enqueue(new PresenceEvent(connection.ClientId!, connection.Origin, connection.UserName, isConnected, reason, now));
    }

    /// <summary>Tells a turn's share of what has been noted.</summary>
    /// <param name="time">What a clock on the wall shows at this instant.</param>
    /// <param name="now">The current instant.</param>
    public void Publish(DateTimeOffset time, Instant now)
    {
        for (var deliveries = 0; deliveries < DeliveriesPerTurn && _waiting.TryDequeue(out var noted);)
        {
            deliveries += 1 + Tell(noted, time - (now - noted.At), now);
        }
    }

    private int Tell(in PresenceEvent noted, DateTimeOffset time, Instant now)
    {
        WriteTopic(noted);
        if (_topic.WrittenCount > ushort.MaxValue)
        {
            counters.DroppedPresenceEvents++;
            return 0;
        }

        // Not by the cache of matches, which topics that hardly come twice would fill.
        var match = tree.Match(_topic.WrittenSpan);
        if (match.IsNobody)
        {
            return 0;
        }

        WritePayload(noted, time);
        var publish = new PublishView
        {
            Topic = _topic.WrittenSpan,
            Payload = _payload.WrittenSpan,
            Properties = Properties,
            QoS = QualityOfService.AtLeastOnce,
        };
        return Deliver(publish, match, now);
    }

    private int Deliver(in PublishView publish, Match match, Instant now)
    {
        Message? copy = null;
        var deliveries = 0;
        foreach (ref readonly var matched in match.Sessions.AsSpan())
        {
            if (!matched.Session.HasEnded)
            {
                deliveries++;
                sender.DeliverTo(publish, ref copy, matched.Session, Granted(matched.QoS), retain: false, matched.Identifiers, now);
            }
        }

        foreach (var group in match.Groups)
        {
            if (group.Choose(MessageWriter.AtMost(publish, subscriptionIdentifiers: 1)) is { } member)
            {
                deliveries++;
                sender.DeliverTo(publish, ref copy, member.Session, Granted(member.QoS), retain: false, member.Identifiers, now, group);
            }
        }

        if (copy is not null)
        {
            messages.Release(copy);
        }

        return deliveries;
    }

    private static QualityOfService Granted(QualityOfService qos) =>
        qos < QualityOfService.AtLeastOnce ? qos : QualityOfService.AtLeastOnce;

    /// <summary>Whatever may not stand in one level of a Topic Name is written as in a URI, and so is the percent sign.</summary>
    private void WriteTopic(in PresenceEvent noted)
    {
        _topic.ResetWrittenCount();
        _topic.Write("$SYS/clients/"u8);
        var clientId = noted.ClientId.AsSpan();
        for (int special; (special = clientId.IndexOfAny("/+#%")) >= 0; clientId = clientId[(special + 1)..])
        {
            Encoding.UTF8.GetBytes(clientId[..special], _topic);
            Encoding.UTF8.GetBytes($"%{(int)clientId[special]:X2}", _topic);
        }

        Encoding.UTF8.GetBytes(clientId, _topic);
        _topic.Write(noted.IsConnected ? "/connected"u8 : "/disconnected"u8);
    }

    private void WritePayload(in PresenceEvent noted, DateTimeOffset time)
    {
        _payload.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_payload);
        json.WriteStartObject();
        json.WriteString("time"u8, time.UtcDateTime);
        json.WriteString("clientId"u8, noted.ClientId);
        json.WriteString("address"u8, noted.Origin.RemoteEndPoint?.ToString());
        json.WriteString("listener"u8, noted.Origin.Listener);
        json.WriteString("user"u8, noted.UserName);
        if (!noted.IsConnected)
        {
            json.WriteNumber("reasonCode"u8, (int)noted.Reason.Code);
            json.WriteString("reason"u8, noted.Reason.Message);
        }

        json.WriteEndObject();
    }

    /// <summary>What happened to a client.</summary>
    /// <param name="ClientId">Its Client Identifier.</param>
    /// <param name="Origin">Where its connection comes from.</param>
    /// <param name="UserName">Its user; <c>null</c>: nobody in particular.</param>
    /// <param name="IsConnected">Whether it came; else it went.</param>
    /// <param name="Reason">Why it went.</param>
    /// <param name="At">When.</param>
    private readonly record struct PresenceEvent(
        string ClientId, ConnectionOrigin Origin, string? UserName, bool IsConnected, Fault Reason, Instant At);
}
