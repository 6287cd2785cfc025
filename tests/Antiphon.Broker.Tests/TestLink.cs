using System.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Tests;

/// <summary>
/// The client's end of a connection to <see cref="HandTurnedBroker"/>: it writes packets, collects what comes back and takes it apart.
/// </summary>
internal sealed class TestLink(HandTurnedBroker broker) : ILink
{
    private readonly ArrayBufferWriter<byte> _received = new();
    private readonly Queue<Packet> _setAside = new();
    private int _read;
    private ushort _lastIdentifier;

    public Connection Connection { get; set; } = null!;

    public ConnAckPacket ConnAck { get; set; } = null!;

    /// <summary>Whether the peer takes what is sent to it.</summary>
    public bool Reads { get; set; } = true;

    /// <summary>The broker has ended its sending side: the peer reads to the end of the stream.</summary>
    public bool SendingEnded { get; private set; }

    /// <summary>The broker has closed the connection at once.</summary>
    public bool Aborted { get; private set; }

    /// <summary>Every byte that came.</summary>
    public ReadOnlySpan<byte> Received => _received.WrittenSpan;

    /// <summary>What it speaks.</summary>
    public ProtocolVersion Version { get; set; } = ProtocolVersion.V5;

    public void Flush()
    {
        if (!Reads)
        {
            return;
        }

        Assert.False(SendingEnded && Connection.Output.Length > 0, "Something was sent behind the end of the stream.");
        while (Connection.Output.Length > 0)
        {
            var pieces = new ArraySegment<byte>[4];
            var output = Connection.Output;
            var sent = output.IsContiguous
                ? output.Own
                : pieces.AsSpan(0, output.Pieces(pieces)).ToArray().SelectMany(piece => piece).ToArray();
            _received.Write(sent);
            output.Consume(sent.Length);
        }

        broker.Engine.OutputSent(Connection, broker.Now);
        SendingEnded |= Connection.Phase == ConnectionPhase.Closing && Connection.Output.Length == 0;
    }

    /// <summary>The broker does not read what is sent.</summary>
    public bool IsPaused { get; private set; }

    public void PauseReading() => IsPaused = true;

    public void ResumeReading() => IsPaused = false;

    public void Abort()
    {
        Assert.False(Aborted, "A connection is closed once.");
        Aborted = true;
    }

    public void Send(params IEnumerable<Packet> packets) => Send(Bytes(Version, packets));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        broker.Engine.Receive(Connection, bytes, broker.Now);
        broker.Settle();
    }

    /// <summary>The network connection breaks.</summary>
    public void Lose()
    {
        broker.Engine.Ended(Connection, broker.Now);
        broker.Settle();
    }

    /// <summary>The peer begins to read again.</summary>
    public void ReadAgain()
    {
        Reads = true;
        Flush();
        broker.Settle();
    }

    public static byte[] Bytes(params IEnumerable<Packet> packets) => Bytes(ProtocolVersion.V5, packets);

    public static byte[] Bytes(ProtocolVersion version, params IEnumerable<Packet> packets)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var packet in packets)
        {
            packet.WriteTo(bytes, version);
        }

        return bytes.WrittenSpan.ToArray();
    }

    public Packet? TryNext() => _setAside.TryDequeue(out var packet) ? packet : TryDecode();

    public T Next<T>()
        where T : Packet => Assert.IsType<T>(TryNext());

    /// <summary>The next packet of that type; messages that came before it are set aside and come next.</summary>
    public T NextAnswer<T>()
        where T : Packet
    {
        while (TryDecode() is { } packet)
        {
            if (packet is not PublishPacket)
            {
                return Assert.IsType<T>(packet);
            }

            _setAside.Enqueue(packet);
        }

        throw new InvalidOperationException($"No {typeof(T).Name} came.");
    }

    public List<Packet> All()
    {
        var packets = new List<Packet>();
        while (TryNext() is { } packet)
        {
            packets.Add(packet);
        }

        return packets;
    }

    public void ExpectNothing() => Assert.Null(TryNext());

    /// <summary>The broker's goodbye: DISCONNECT with that code as the last packet, then the end of the stream.</summary>
    public DisconnectPacket ExpectDisconnect(ReasonCode code)
    {
        var disconnect = Next<DisconnectPacket>();
        Assert.Equal(code, disconnect.ReasonCode);
        ExpectClosed();
        return disconnect;
    }

    public void ExpectClosed()
    {
        ExpectNothing();
        Assert.True(SendingEnded || Aborted, "The connection still stands.");
    }

    public SubAckPacket Subscribe(string filter, QualityOfService qos = QualityOfService.AtLeastOnce, uint? identifier = null) =>
        Subscribe(filter, new SubscriptionOptions(qos), identifier);

    public SubAckPacket Subscribe(string filter, SubscriptionOptions options, uint? identifier = null)
    {
        var packetIdentifier = NextIdentifier();
        Send(
            new SubscribePacket
            {
                PacketIdentifier = packetIdentifier,
                Subscriptions = [new RequestedSubscription(filter, options)],
                SubscriptionIdentifier = identifier,
            });
        var answer = NextAnswer<SubAckPacket>();
        Assert.Equal(packetIdentifier, answer.PacketIdentifier);
        return answer;
    }

    public UnsubAckPacket Unsubscribe(params string[] filters)
    {
        var packetIdentifier = NextIdentifier();
        Send(new UnsubscribePacket { PacketIdentifier = packetIdentifier, TopicFilters = filters });
        var answer = NextAnswer<UnsubAckPacket>();
        Assert.Equal(packetIdentifier, answer.PacketIdentifier);
        return answer;
    }

    public void Publish(string topic, string payload = "") => Publish(Message(topic, payload));

    public void Publish(ApplicationMessage message) => Send(new PublishPacket(message));

    /// <summary>Publishes with QoS 1 and gives the PUBACK's Reason Code.</summary>
    public ReasonCode PublishAcknowledged(string topic, string payload = "") => PublishAcknowledged(Message(topic, payload));

    public ReasonCode PublishAcknowledged(ApplicationMessage message)
    {
        var packetIdentifier = NextIdentifier();
        Send(new PublishPacket(message with { QoS = QualityOfService.AtLeastOnce }) { PacketIdentifier = packetIdentifier });
        var answer = NextAnswer<AcknowledgementPacket>();
        Assert.Equal(PacketType.PubAck, answer.Type);
        Assert.Equal(packetIdentifier, answer.PacketIdentifier);
        return answer.ReasonCode;
    }

    /// <summary>Publishes with QoS 2, to the end, and gives the PUBREC's Reason Code.</summary>
    public ReasonCode PublishExactlyOnce(string topic, string payload = "")
    {
        var packetIdentifier = NextIdentifier();
        Send(new PublishPacket(Message(topic, payload, QualityOfService.ExactlyOnce)) { PacketIdentifier = packetIdentifier });
        var code = ExpectAnswer(PacketType.PubRec, packetIdentifier);
        if (code < ReasonCode.UnspecifiedError)
        {
            Answer(PacketType.PubRel, packetIdentifier);
            Assert.Equal(ReasonCode.Success, ExpectAnswer(PacketType.PubComp, packetIdentifier));
        }

        return code;
    }

    /// <summary>The next packet that is no message has to be this one.</summary>
    public ReasonCode ExpectAnswer(PacketType type, PacketIdentifier packetIdentifier)
    {
        var answer = NextAnswer<AcknowledgementPacket>();
        Assert.Equal((type, packetIdentifier), (answer.Type, answer.PacketIdentifier));
        return answer.ReasonCode;
    }

    public void Answer(PacketType type, PacketIdentifier packetIdentifier, ReasonCode code = ReasonCode.Success) =>
        Send(new AcknowledgementPacket(type, packetIdentifier, code));

    /// <summary>Takes a QoS 2 message to the end: PUBREC, the broker's PUBREL, PUBCOMP.</summary>
    public void Complete(PublishPacket publish)
    {
        Answer(PacketType.PubRec, publish.PacketIdentifier);
        Assert.Equal(ReasonCode.Success, ExpectAnswer(PacketType.PubRel, publish.PacketIdentifier));
        Answer(PacketType.PubComp, publish.PacketIdentifier);
    }

    public void Acknowledge(PublishPacket publish) => Send(new AcknowledgementPacket(PacketType.PubAck, publish.PacketIdentifier));

    public PublishPacket NextMessage(string payload)
    {
        var publish = Next<PublishPacket>();
        Assert.Equal(payload, Text(publish));
        return publish;
    }

    public static string Text(PublishPacket publish) => System.Text.Encoding.UTF8.GetString(publish.Message.Payload.Span);

    public static ApplicationMessage Message(string topic, string payload = "", QualityOfService qos = QualityOfService.AtMostOnce) =>
        new() { Topic = topic, Payload = System.Text.Encoding.UTF8.GetBytes(payload), QoS = qos };

    private PacketIdentifier NextIdentifier() => new(_lastIdentifier = (ushort)(_lastIdentifier % ushort.MaxValue + 1));

    private Packet? TryDecode()
    {
        var rest = Received[_read..];
        var status = FrameReader.TryRead(rest, uint.MaxValue, out var frame, out _);
        if (status == FrameStatus.NeedMore)
        {
            Assert.True(rest.IsEmpty, "The broker sent half a packet.");
            return null;
        }

        Assert.Equal(FrameStatus.Complete, status);
        _read += frame.Length;
        Assert.True(PacketDecoder.TryDecode(frame, Version, out var packet, out var fault), fault.Message);
        return packet;
    }
}
