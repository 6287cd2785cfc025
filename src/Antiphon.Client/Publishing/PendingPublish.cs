using System.Buffers;
using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using Antiphon.Client.Sessions;
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

    /// <summary>Over, as far as the Session is concerned.</summary>
    Settled,
}

/// <summary>
/// A PUBLISH that somebody waits for: its bytes, for sending it again, and the source of the caller's <see cref="ValueTask"/>. Pooled; it goes back when the Session is done with it and the
/// caller has read the result. All but the task source is guarded by the lock of <see cref="ClientSession"/>.
/// </summary>
internal sealed class PendingPublish(ClientSession session) : IValueTaskSource<PublishResult>
{
    private const byte DupFlag = 0x08;

    // For the process.
    private ManualResetValueTaskSourceCore<PublishResult> _core = new() { RunContinuationsAsynchronously = true };

    // For one message.
    private byte[] _bytes = [];
    private int _length;
    private int _identifierOffset;
    private TimeSpan _agedTo;
    private bool _completed;
    private bool _resultRead;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;

    public PendingPublish? Previous { get; set; }

    public PendingPublish? Next { get; set; }

    public PublishProgress Progress { get; set; }

    public string Topic { get; private set; } = "";

    public PacketIdentifier PacketIdentifier { get; private set; }

    public QualityOfService QoS { get; private set; }

    public bool Retain { get; private set; }

    /// <summary>What PUBREC said, while PUBCOMP is waited for.</summary>
    public PublishResult Recorded { get; set; }

    /// <summary>Whether PUBREL has gone out over a later connection than the one that PUBREC came by; then the server may have dealt with the first [MQTT-4.4.0-1].</summary>
    public bool ReleasedAgain { get; set; }

    /// <summary>Whether it counts against the Receive Maximum of the connection that there is now.</summary>
    public bool HoldsQuota { get; set; }

    public int Length => _length;

    public ReadOnlySpan<byte> Packet => _bytes.AsSpan(0, _length);

    public ValueTask<PublishResult> Task => new(this, _core.Version);

    /// <summary>Whether nobody needs it any more.</summary>
    public bool IsFree => Progress == PublishProgress.Settled && _resultRead;

    /// <summary>Whether an earlier client has left it behind, so that nobody here waits for it.</summary>
    public bool IsRestored { get; private set; }

    /// <summary>Begins as what an earlier client has left behind unacknowledged.</summary>
    public void Restore(PacketIdentifier identifier, PublishProgress progress)
    {
        IsRestored = true;
        _resultRead = true;
        PacketIdentifier = identifier;
        Progress = progress;
    }

    /// <summary>Begins with a whole packet, which is copied.</summary>
    public void Begin(ReadOnlySpan<byte> packet, ProtocolVersion version, TimeSpan now)
    {
        FrameReader.TryRead(packet, uint.MaxValue, out var frame, out _);
        PublishView.TryDecode(frame, version, out var view, out _);
        Begin(System.Text.Encoding.UTF8.GetString(view.Topic), packet, view.QoS, view.Retain, now);
    }

    /// <summary>Begins with a message's bytes, which are copied.</summary>
    public void Begin(string topic, ReadOnlySpan<byte> packet, QualityOfService qos, bool retain, TimeSpan now)
    {
        _agedTo = now;
        Topic = topic;
        QoS = qos;
        Retain = retain;
        Progress = PublishProgress.Waiting;
        VariableByteInteger.TryRead(packet[1..], out _, out var lengthBytes);
        var topicOffset = 1 + lengthBytes + sizeof(ushort);
        _identifierOffset = topicOffset + BinaryPrimitives.ReadUInt16BigEndian(packet[(topicOffset - sizeof(ushort))..]);
        _length = packet.Length;
        _bytes = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(_bytes);
    }

    public void SetIdentifier(PacketIdentifier identifier)
    {
        PacketIdentifier = identifier;
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(_identifierOffset), identifier.Value);
    }

    public void SetDup(bool dup) => _bytes[0] = (byte)(dup ? _bytes[0] | DupFlag : _bytes[0] & ~DupFlag);

    /// <summary>
    /// Takes the time that has gone by off the Message Expiry Interval, so that a late packet does not live longer than it was meant to. It stays at 1 second at least: 0 means «never» to some servers.
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

    public void Watch(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled && !_completed)
        {
            _cancellationToken = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(
                static (state, token) =>
                {
                    var pending = (PendingPublish)state!;
                    pending.Session.Cancel(pending, token);
                },
                this);
        }
    }

    /// <summary>Whether a cancellation that fires now, perhaps late, is meant for this message: a token is cancelled for all who hold it.</summary>
    public bool IsWatching(CancellationToken cancellationToken) => !_completed && _cancellationToken == cancellationToken;

    public void Complete(PublishResult result)
    {
        if (TryComplete())
        {
            _core.SetResult(result);
        }
    }

    public void Fail(Exception exception)
    {
        if (TryComplete())
        {
            _core.SetException(exception);
        }
    }

    /// <summary>Gives the bytes back; the message will not be sent again.</summary>
    public void Settle()
    {
        Progress = PublishProgress.Settled;
        HoldsQuota = false;
        Recorded = default;
        ReleasedAgain = false;
        PacketIdentifier = PacketIdentifier.None;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    /// <summary>The caller has read the result.</summary>
    public void ResultRead() => _resultRead = true;

    /// <summary>Makes it ready for another message.</summary>
    public void Reset()
    {
        _core.Reset();
        _completed = false;
        _resultRead = false;
        IsRestored = false;
        Topic = "";
    }

    public PublishResult GetResult(short token)
    {
        // A wrong token, from awaiting twice, must not give back what belongs to another message by now.
        _core.GetStatus(token);
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Session.Recycle(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private ClientSession Session { get; } = session;

    private bool TryComplete()
    {
        if (_completed)
        {
            return false;
        }

        _completed = true;

        // Not Dispose, which would wait for a callback that may be waiting for our lock.
        _registration.Unregister();
        _registration = default;
        _cancellationToken = default;
        return true;
    }
}
