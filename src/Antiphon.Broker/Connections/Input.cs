using Antiphon.Broker.Limits;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>
/// Takes the bytes of connections apart into packets, in whatever pieces they come, and keeps what is not whole yet or may not be done yet.
/// </summary>
internal sealed class Input(
    OptionsInForce options,
    Handshake handshake,
    ClientPackets clientPackets,
    UnfinishedPackets unfinished,
    Arrivals arrivals,
    Closer closer,
    EngineCounters counters)
{
    /// <summary>
    /// Bytes kept of who is being authenticated or authorized; a packet that is longer, and at most one more read, are added.
    /// </summary>
    private const int MaximumHeld = 16 * 1024;

    /// <summary>Bytes arrived.</summary>
    public void Receive(Connection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        counters.BytesReceived += bytes.Length;
        if (connection.Output.Backlog > MaximumUnread(options.Current))
        {
            // It asks and asks and reads no answer. Messages alone never fill an output that far.
            closer.Blame(connection);
            connection.CloseReason = new Fault(ReasonCode.QuotaExceeded, $"{connection.Output.Backlog} bytes of output wait to be read.");
            closer.Abort(connection, now);
            return;
        }

        var consumed = 0;
        if (connection.IsOnHold)
        {
            Hold(connection, bytes);
        }
        else if (connection.Partial.IsEmpty)
        {
            consumed = Read(connection, bytes, now);
            if (connection.IsOpen)
            {
                Hold(connection, bytes[consumed..]);
            }
        }
        else
        {
            connection.Partial.Append(bytes);
            consumed = Read(connection, connection.Partial.Bytes, now);
            if (connection.IsOpen)
            {
                connection.Partial.Consume(consumed);
            }
        }

        if (consumed > 0)
        {
            connection.LastHeard = now;
        }

        if (connection.IsFanningOut)
        {
            // What it keeps there is whole packets, and to keep them is of our making.
            unfinished.Leave(connection);
        }
        else if (connection.IsOpen && (!connection.Partial.IsEmpty || connection.Unfinished is not null))
        {
            unfinished.Note(connection, consumed > 0, now);
            while (unfinished.IsExcessive(out var oldest))
            {
                var age = now - oldest.Partial.Began;
                End(
                    oldest,
                    new Fault(
                        ReasonCode.QuotaExceeded,
                        $"Too much memory is taken by packets that have begun and not ended; this one began {age.TotalSeconds} s ago."),
                    now);
            }
        }
    }

    /// <summary>A packet that has begun may have taken too long.</summary>
    public void OnDeadline(Instant now)
    {
        while (unfinished.IsOverdue(now, out var late))
        {
            End(
                late,
                new Fault(
                    ReasonCode.KeepAliveTimeout,
                    $"A packet has begun and not ended within {options.Current.PacketTimeout.TotalSeconds} s."),
                now);
        }
    }

    /// <summary>Messages fill an output to its bound and at most one packet beyond it; the rest is room for answers.</summary>
    private static long MaximumUnread(BrokerOptions options) => 2L * options.MaximumOutputBytes + options.MaximumPacketSize;

    /// <summary>Keeps what cannot be done yet. Who sends a lot of it meanwhile is left unread.</summary>
    private static void Hold(Connection connection, ReadOnlySpan<byte> bytes)
    {
        connection.Partial.Append(bytes);
        if (connection.IsOnHold && connection.Partial.Bytes.Length > MaximumHeld)
        {
            connection.HoldUp();
        }
    }

    private int Read(Connection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        var consumed = 0;
        if (connection.Phase == ConnectionPhase.AwaitingProxyHeader)
        {
            consumed = ReadProxyHeader(connection, bytes, now);
            if (connection.Phase == ConnectionPhase.AwaitingProxyHeader)
            {
                return 0;
            }
        }

        while (connection.IsOpen && !connection.IsOnHold)
        {
            var rest = bytes[consumed..];
            switch (FrameReader.TryRead(rest, LongestPacket(connection), out var frame, out var fault))
            {
                case FrameStatus.Complete:
                    consumed += frame.Length;
                    if (connection.Phase == ConnectionPhase.Connected)
                    {
                        clientPackets.Receive(connection, frame, now);
                        if (connection.IsAsking)
                        {
                            // It is looked at once more when the authorizer has answered.
                            return consumed - frame.Length;
                        }
                    }
                    else
                    {
                        handshake.Receive(connection, frame, now);
                    }

                    break;
                case not FrameStatus.Complete when connection.Phase == ConnectionPhase.AwaitingConnect
                    && !rest.IsEmpty
                    && rest[0] >> 4 != (int)PacketType.Connect:
                    // Whoever does not begin with CONNECT may not even speak MQTT (MQTT 5 §4.13.1):
                    // the rest of the packet is not waited for.
                    closer.Reject(
                        connection,
                        Fault.Protocol($"The first byte is 0x{rest[0]:X2}; the first packet has to be CONNECT [MQTT-3.1.0-1]."),
                        now);
                    break;
                case FrameStatus.NeedMore:
                    return consumed;
                case FrameStatus.Malformed when connection.Phase == ConnectionPhase.AwaitingConnect:
                    counters.OversizedPackets += fault.Code == ReasonCode.PacketTooLarge ? 1 : 0;
                    handshake.RefuseFrame(connection, rest, fault, now);
                    break;
                default:
                    counters.OversizedPackets += fault.Code == ReasonCode.PacketTooLarge ? 1 : 0;
                    closer.Refuse(connection, fault, now);
                    break;
            }
        }

        if (connection.Phase == ConnectionPhase.Closing)
        {
            closer.Discard(connection, bytes.Length - consumed, now);
        }

        return consumed;
    }

    /// <summary>Who has not connected yet needs less room.</summary>
    private static uint LongestPacket(Connection connection) =>
        connection.Phase == ConnectionPhase.Connected
            ? connection.Terms.MaximumPacketSize
            : Math.Min(connection.Terms.MaximumPacketSize, connection.Terms.MaximumConnectBytes);

    /// <summary>Takes the client's address from what a proxy says; without that nothing is read.</summary>
    private int ReadProxyHeader(Connection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        switch (ProxyHeader.TryRead(bytes, out var header))
        {
            case ProxyHeaderStatus.Complete:
                connection.Phase = ConnectionPhase.AwaitingConnect;
                if (header.Source is { } source)
                {
                    var proxy = connection.Origin.RemoteEndPoint;
                    connection.Origin = connection.Origin with { RemoteEndPoint = source, ProxyEndPoint = proxy };
                }

                if (!arrivals.TryIdentify(connection, now))
                {
                    // Without a word and without a line in the log, as one whose address is known sooner.
                    closer.Abort(connection, now);
                }

                return header.Length;
            case ProxyHeaderStatus.Malformed:
                closer.Reject(
                    connection,
                    new Fault(
                        ReasonCode.ProtocolError,
                        "The connection does not begin with a header of the PROXY protocol, version 2, which its listener demands."),
                    now);
                return 0;
            default:
                return 0;
        }
    }

    private void End(Connection connection, Fault reason, Instant now)
    {
        if (connection.Phase == ConnectionPhase.Connected)
        {
            closer.Refuse(connection, reason, now);
        }
        else
        {
            // Which version would understand an answer may not be known yet.
            closer.Reject(connection, reason, now);
        }
    }
}
