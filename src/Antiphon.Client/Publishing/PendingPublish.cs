using System.Buffers.Binary;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Publishing;

/// <summary>How far a PUBLISH has come.</summary>
internal enum PublishProgress
{
    /// <summary>Not written to any connection yet.</summary>
    Waiting,

    /// <summary>Written and not acknowledged.</summary>
    InFlight,

    /// <summary>A QoS 2 one whose PUBREC has come: its PUBREL has been written, its PUBCOMP has not come.</summary>
    Released,
}

/// <summary>
/// A PUBLISH that is not over: its bytes, encoded once and kept for sending again, and who is to be told of its end.
/// Used again when it is over; the version then changes. Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class PendingPublish
{
    private const byte DupFlag = 0x08;

    private ReusableBytes _memory;
    private byte[] _bytes = [];
    private int _identifierOffset;
    private TimeSpan _agedTo;
    private IPublishSink? _sink;
    private uint _sinkVersion;

    public PendingPublish? Previous { get; set; }

    public PendingPublish? Next { get; set; }

    /// <summary>Changes each time that this object is used again.</summary>
    public uint Version { get; private set; }

    public PublishProgress Progress { get; set; }

    public PacketIdentifier PacketIdentifier { get; private set; }

    public QualityOfService QoS { get; private set; }

    public bool Retain { get; private set; }

    /// <summary>What PUBREC said, while PUBCOMP is waited for.</summary>
    public PublishResult Recorded { get; set; }

    /// <summary>
    /// Whether PUBREL has gone out over a later connection than the one that PUBREC came by;
    /// then the server may have dealt with the first [MQTT-4.4.0-1].
    /// </summary>
    public bool ReleasedAgain { get; set; }

    /// <summary>Whether an earlier connection was lost before it was acknowledged: then it may have been delivered twice.</summary>
    public bool WasSentBefore { get; set; }

    /// <summary>Whether it counts against the Receive Maximum of the connection that there is now.</summary>
    public bool HoldsQuota { get; set; }

    /// <summary>Whether an earlier client has left it behind, so that nobody here waits for it.</summary>
    public bool IsRestored { get; private set; }

    /// <summary>Whether it is of no use to a later client, and so not stored.</summary>
    public bool IsForSinkOnly { get; private set; }

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Packet => _bytes.AsSpan(0, Length);

    /// <summary>Where in <see cref="Packet"/> the Topic Name begins, and how long it is.</summary>
    public int TopicOffset { get; private set; }

    public int TopicLength { get; private set; }

    /// <summary>The Topic Name, made anew each time; for exceptions.</summary>
    public string Topic => Encoding.UTF8.GetString(Packet.Slice(TopicOffset, TopicLength));

    /// <summary>
    /// Begins with a message, which is encoded here once and for all. One that waits gets its identifier when it goes;
    /// until then any keeps its bytes well formed.
    /// </summary>
    public void Begin(in PublishView message, int size, ProtocolVersion version, TimeSpan now, bool isForSinkOnly)
    {
        IsForSinkOnly = isForSinkOnly;
        _bytes = _memory.Reserve(size);
        PublishEncoder.Write(
            _bytes,
            message,
            new Delivery { QoS = message.QoS, Retain = message.Retain, PacketIdentifier = new PacketIdentifier(1) },
            version);
        Begin(size, message.Topic.Length, message.QoS, message.Retain, now);
    }

    /// <summary>Says who waits for its end.</summary>
    public void Attach(IPublishSink? sink, uint version)
    {
        _sink = sink;
        _sinkVersion = version;
    }

    /// <summary>Begins as what an earlier client has left behind without PUBACK or PUBREC.</summary>
    public void Restore(ReadOnlySpan<byte> packet, PacketIdentifier identifier, ProtocolVersion version, TimeSpan now)
    {
        FrameReader.TryRead(packet, uint.MaxValue, out var frame, out _);
        PublishView.TryDecode(frame, version, out var view, out _);
        _bytes = _memory.Reserve(packet.Length);
        packet.CopyTo(_bytes);
        Begin(packet.Length, view.Topic.Length, view.QoS, view.Retain, now);
        Restore(identifier, PublishProgress.InFlight);
    }

    /// <summary>Begins as what an earlier client has left behind, for which nobody waits.</summary>
    public void Restore(PacketIdentifier identifier, PublishProgress progress)
    {
        IsRestored = true;
        PacketIdentifier = identifier;
        Progress = progress;
    }

    public void SetIdentifier(PacketIdentifier identifier)
    {
        PacketIdentifier = identifier;
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(_identifierOffset), identifier.Value);
    }

    public void SetDup(bool dup) => _bytes[0] = (byte)(dup ? _bytes[0] | DupFlag : _bytes[0] & ~DupFlag);

    /// <summary>
    /// Takes the time that has gone by off the Message Expiry Interval, so that a late packet does not live longer than it was meant to.
    /// It stays at 1 second at least: 0 means «never» to some servers.
    /// </summary>
    /// <param name="now">The time now.</param>
    /// <param name="version">The version that the packet is written in; MQTT 3.1.1 has no expiry.</param>
    /// <returns><c>false</c> when the message has expired.</returns>
    public bool TryAge(TimeSpan now, ProtocolVersion version)
    {
        var seconds = (long)(now - _agedTo).TotalSeconds;
        if (seconds < 1)
        {
            return true;
        }

        FrameReader.TryRead(Packet, uint.MaxValue, out var frame, out _);
        PublishView.TryDecode(frame, version, out var view, out _);
        if (view.MessageExpiryInterval is not { } interval || !Packet.Overlaps(view.Properties, out var properties))
        {
            return true;
        }

        _agedTo += TimeSpan.FromSeconds(seconds);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(properties + view.MessageExpiryOffset), (uint)Math.Max(interval - seconds, 1));
        return interval > seconds;
    }

    /// <summary>Whether whoever published it does not want it to be written any more.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>It is about to be written, later than it was handed over or again: who waits for it may change it.</summary>
    /// <returns>Whether it is still to be written.</returns>
    public bool TryRenew(ProtocolVersion version)
    {
        if (IsAbandoned || _sink is not { } sink)
        {
            return !IsAbandoned;
        }

        FrameReader.TryRead(Packet, uint.MaxValue, out var frame, out _);
        PublishView.TryDecode(frame, version, out var view, out _);
        Packet.Overlaps(view.Properties, out var offset);
        return sink.TryRenew(_sinkVersion, _bytes.AsSpan(offset, view.Properties.Length), again: Progress == PublishProgress.InFlight);
    }

    /// <summary>Tells who waits for it, once, and nobody where it was given up.</summary>
    public void Tell(in PublishResult result, MqttException? failure)
    {
        var sink = _sink;
        _sink = null;
        sink?.Published(_sinkVersion, result, failure);
    }

    /// <summary>Whoever waited for it does so no longer.</summary>
    public void Detach() => _sink = null;

    /// <summary>It is over: gives the bytes back and makes it ready for another message.</summary>
    public void Reset()
    {
        Version++;
        Progress = PublishProgress.Waiting;
        HoldsQuota = false;
        Recorded = default;
        ReleasedAgain = false;
        WasSentBefore = false;
        IsRestored = false;
        IsAbandoned = false;
        IsForSinkOnly = false;
        PacketIdentifier = PacketIdentifier.None;
        _sink = null;
        _memory.Release();
        _bytes = [];
        Length = 0;
        TopicOffset = TopicLength = 0;
    }

    private void Begin(int length, int topicLength, QualityOfService qos, bool retain, TimeSpan now)
    {
        _agedTo = now;
        QoS = qos;
        Retain = retain;
        Progress = PublishProgress.Waiting;
        Length = length;
        VariableByteInteger.TryRead(_bytes.AsSpan(1), out _, out var lengthBytes);
        TopicOffset = 1 + lengthBytes + sizeof(ushort);
        TopicLength = topicLength;
        _identifierOffset = TopicOffset + topicLength;
    }
}
