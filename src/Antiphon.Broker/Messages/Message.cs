using Antiphon.Broker.Buffers;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Messages;

/// <summary>
/// An Application Message that has to wait: copied once out of the receive buffer, shared by all Sessions that it waits for,
/// and returned to the pool when the last of them is done with it.
/// </summary>
internal sealed class Message
{
    private byte[] _buffer = [];
    private int _topicLength;
    private int _propertiesLength;
    private int _payloadLength;
    private int _expiryOffset;
    private uint? _expiryInterval;
    private bool _retain;
    private Instant _received;
    private int _references;

    /// <summary>What the object itself takes in memory, in bytes.</summary>
    public const int ObjectSize = 96;

    /// <summary>Bytes of topic, properties and payload, for the bounds of queues.</summary>
    public int Size => _topicLength + _propertiesLength + _payloadLength;

    /// <summary>What it takes in memory altogether, in bytes.</summary>
    public int Footprint => ObjectSize + MemoryAccount.ArrayOverhead + _buffer.Length;

    public ReadOnlySpan<byte> Topic => _buffer.AsSpan(0, _topicLength);

    public ArraySegment<byte> Payload => new(_buffer, _topicLength + _propertiesLength, _payloadLength);

    public QualityOfService QoS { get; private set; }

    public Instant Expires { get; private set; }

    /// <summary>Whether it has a Response Topic.</summary>
    public bool IsRequest { get; private set; }

    /// <summary>
    /// The message as it was published, but for the parts that <see cref="IsRequest"/> stands for.
    /// Field by field into the caller's variable: an initializer would fill a temporary and copy it.
    /// </summary>
    public void Read(out PublishView view)
    {
        view = default;
        view.Topic = Topic;
        view.Properties = _buffer.AsSpan(_topicLength, _propertiesLength);
        view.Payload = _buffer.AsSpan(_topicLength + _propertiesLength, _payloadLength);
        view.QoS = QoS;
        view.Retain = _retain;
        view.MessageExpiryOffset = _expiryOffset;
        view.MessageExpiryInterval = _expiryInterval;
    }

    /// <summary>
    /// Seconds of the Message Expiry Interval that remain [MQTT-3.3.2-6]: at least 1 while the message has not expired.
    /// 0 afterwards: what has been begun is sent again all the same, and a responder that has forgotten it must not take it for new.
    /// </summary>
    public uint RemainingExpiry(Instant now) => _expiryInterval is { } interval && now < Expires
        ? (uint)Math.Max(1, interval - Math.Floor((now - _received).TotalSeconds))
        : 0;

    public void Retain() => _references++;

    /// <summary>One holder is done with it.</summary>
    /// <returns>Whether it was the last.</returns>
    internal bool Release() => --_references == 0;

    internal void Fill(in PublishView source, Instant now, BufferPool pool)
    {
        var alias = source.TopicAliasOffset;
        var aliasSize = alias >= 0 ? 3 : 0;
        _topicLength = source.Topic.Length;
        _propertiesLength = source.Properties.Length - aliasSize;
        _payloadLength = source.Payload.Length;
        _expiryInterval = source.MessageExpiryInterval;
        _expiryOffset = source.MessageExpiryOffset - (alias >= 0 && alias < source.MessageExpiryOffset ? aliasSize : 0);
        _received = now;
        _references = 1;
        QoS = source.QoS;
        _retain = source.Retain;
        IsRequest = !source.ResponseTopic.IsEmpty;
        Expires = _expiryInterval is { } interval ? now + TimeSpan.FromSeconds(interval) : Instant.Never;

        _buffer = pool.Rent(Size);
        source.Topic.CopyTo(_buffer);
        var properties = _buffer.AsSpan(_topicLength, _propertiesLength);
        if (alias < 0)
        {
            source.Properties.CopyTo(properties);
        }
        else
        {
            source.Properties[..alias].CopyTo(properties);
            source.Properties[(alias + aliasSize)..].CopyTo(properties[alias..]);
        }

        source.Payload.CopyTo(_buffer.AsSpan(_topicLength + _propertiesLength));
    }

    internal void Empty(BufferPool pool)
    {
        pool.Return(_buffer);
        _buffer = [];
    }
}
