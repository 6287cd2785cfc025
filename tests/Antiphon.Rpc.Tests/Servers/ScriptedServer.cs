using System.Buffers;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Servers;

/// <summary>
/// The other end of one client, played by the test packet by packet, on the test's one thread.
/// It accepts connections, answers CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ by itself, and leaves PUBLISH and PUBACK to the test.
/// </summary>
internal sealed class ScriptedServer(OneThread thread) : IDisposable
{
    private readonly Mailbox<Packet> _received = new();
    private readonly Dictionary<string, uint> _subscriptions = [];
    private readonly Mailbox<string> _subscribed = new();
    private readonly Mailbox<string> _unsubscribed = new();
    private readonly Queue<Packet> _answers = new();
    private readonly List<byte> _unread = [];
    private ScriptedStream? _stream;
    private ushort _lastIdentifier = 100;

    /// <summary>The clock of the client; requesters and responders have another.</summary>
    public ManualTime ClientTime { get; } = new();

    /// <summary>The CONNACK of the next connections; that of an Antiphon broker unless a test says otherwise.</summary>
    public ConnAckPacket ConnAck { get; set; } = new() { UserProperties = [new("antiphon", "1")] };

    /// <summary>The SUBACK's Reason Code.</summary>
    public ReasonCode Granting { get; set; } = ReasonCode.GrantedQoS1;

    /// <summary>Whether SUBSCRIBE and UNSUBSCRIBE are answered at once; otherwise with <see cref="AnswerSubscriptions"/>.</summary>
    public bool AnswersSubscriptions { get; set; } = true;

    /// <summary>The Packet Identifiers of all PUBACKs, in their order.</summary>
    public List<ushort> Acknowledged { get; } = [];

    /// <summary>Takes what the client publishes, where the test does not ask for it one by one.</summary>
    public Action<PublishPacket>? Taking { get; set; }

    /// <summary>Hears of each PUBACK, where the test does not ask for them one by one.</summary>
    public Action? Hearing { get; set; }

    /// <summary>The last SUBSCRIBE.</summary>
    public SubscribePacket? Subscribe { get; private set; }

    /// <summary>Whether what the client sends is thrown away.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Whether connections are let in; those that are not are closed.</summary>
    public bool IsOpen { get; set; } = true;

    public Task<MqttClient> ConnectAsync(MqttClientOptions? options = null) => MqttClient.ConnectAsync(Options(options), Token);

    public MqttClient Start() => MqttClient.Start(Options(null));

    /// <summary>The next PUBLISH from the client; a PUBACK before it is skipped.</summary>
    public async Task<PublishPacket> PublishAsync() => await NextAsync<PublishPacket>();

    /// <summary>The next PUBACK from the client.</summary>
    public async Task<AcknowledgementPacket> PubAckAsync() => await NextAsync<AcknowledgementPacket>();

    public Task<string> SubscribedAsync() => _subscribed.TakeAsync();

    public Task<string> UnsubscribedAsync() => _unsubscribed.TakeAsync();

    public void Acknowledge(PublishPacket publish, ReasonCode code = ReasonCode.Success) =>
        Send(new AcknowledgementPacket(PacketType.PubAck, publish.PacketIdentifier, code));

    /// <summary>Sends a message through the subscription whose filter matches.</summary>
    /// <returns>The Packet Identifier.</returns>
    public ushort Deliver(ApplicationMessage message, bool dup = false, ushort? identifier = null)
    {
        var subscription = _subscriptions.First(pair => Protocol.Topics.TopicFilter.Parse(pair.Key).Matches(message.Topic));
        var used = identifier ?? (message.QoS == QualityOfService.AtMostOnce ? (ushort)0 : ++_lastIdentifier);
        Send(new PublishPacket(message)
        {
            PacketIdentifier = new PacketIdentifier(used),
            Dup = dup,
            SubscriptionIdentifiers = [subscription.Value],
        });
        return used;
    }

    /// <summary>Sends bytes as they are.</summary>
    public void Deliver(ReadOnlySpan<byte> packet) => _stream!.Send(packet);

    /// <summary>Answers a request.</summary>
    public void Respond(PublishPacket request, string text, params (string Name, string Value)[] properties) =>
        Deliver(new ApplicationMessage
        {
            Topic = request.Message.ResponseTopic!,
            Payload = System.Text.Encoding.UTF8.GetBytes(text),
            CorrelationData = request.Message.CorrelationData,
            QoS = QualityOfService.AtLeastOnce,
            UserProperties = [.. properties.Select(pair => new UserProperty(pair.Name, pair.Value))],
        });

    /// <summary>Answers each SUBSCRIBE and UNSUBSCRIBE that waits for it.</summary>
    public void AnswerSubscriptions()
    {
        while (_answers.TryDequeue(out var answer))
        {
            Send(answer);
        }
    }

    /// <summary>What waits to be answered never is.</summary>
    public void Forget() => _answers.Clear();

    /// <summary>Cuts the connection; the client has noticed when this returns.</summary>
    public void Cut()
    {
        _stream!.Cut();
        thread.Settle();
    }

    /// <summary>Lets the client come back: its wait between two connections is over.</summary>
    public void LetReconnect()
    {
        ClientTime.Advance(TimeSpan.FromMilliseconds(100));
        thread.Settle();
    }

    public void Dispose() => _stream?.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private MqttClientOptions Options(MqttClientOptions? options) => (options ?? new MqttClientOptions { ClientId = "c" }) with
    {
        OpenStream = Open,
        Scheduler = thread,
        TimeProvider = ClientTime,
        ReconnectDelay = TimeSpan.FromMilliseconds(1),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(20),
    };

    private async Task<T> NextAsync<T>()
        where T : Packet
    {
        while (true)
        {
            var packet = await _received.TakeAsync();
            if (packet is T wanted)
            {
                return wanted;
            }
        }
    }

    private void Send(Packet packet)
    {
        var output = new ArrayBufferWriter<byte>();
        packet.WriteTo(output, ProtocolVersion.V5);
        _stream!.Send(output.WrittenSpan);
    }

    private ValueTask<Stream> Open(CancellationToken cancellationToken)
    {
        if (!IsOpen)
        {
            throw new IOException("The server lets nobody in.");
        }

        _unread.Clear();
        _stream = new ScriptedStream(Read);
        return new ValueTask<Stream>(_stream);
    }

    private void Read(ReadOnlyMemory<byte> bytes)
    {
        _unread.AddRange(bytes.Span);
        var input = _unread.ToArray();
        var consumed = 0;
        while (FrameReader.TryRead(input.AsSpan(consumed), 1 << 20, out var frame, out _) == FrameStatus.Complete)
        {
            Assert.True(PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out var fault), fault.Message);
            consumed += frame.Length;
            Handle(packet);
        }

        _unread.RemoveRange(0, consumed);
    }

    private void AnswerLater(Packet answer)
    {
        _answers.Enqueue(answer);
        if (AnswersSubscriptions)
        {
            AnswerSubscriptions();
        }
    }

    private void Handle(Packet packet)
    {
        if (IsDeaf)
        {
            return;
        }

        switch (packet)
        {
            case ConnectPacket:
                Send(ConnAck);
                break;
            case SubscribePacket subscribe:
                var filter = subscribe.Subscriptions[0].TopicFilter;
                _subscriptions[filter] = subscribe.SubscriptionIdentifier!.Value;
                Subscribe = subscribe;
                AnswerLater(new SubAckPacket { PacketIdentifier = subscribe.PacketIdentifier, ReasonCodes = [Granting] });
                _subscribed.Add(filter);
                break;
            case UnsubscribePacket unsubscribe:
                _subscriptions.Remove(unsubscribe.TopicFilters[0]);
                AnswerLater(new UnsubAckPacket { PacketIdentifier = unsubscribe.PacketIdentifier, ReasonCodes = [ReasonCode.Success] });
                _unsubscribed.Add(unsubscribe.TopicFilters[0]);
                break;
            case DisconnectPacket:
                _stream!.End();
                break;
            case PingReqPacket:
                Send(PingRespPacket.Instance);
                break;
            case AcknowledgementPacket { Type: PacketType.PubAck } acknowledgement:
                Acknowledged.Add(acknowledgement.PacketIdentifier.Value);
                if (Hearing is { } hear)
                {
                    hear();
                }
                else
                {
                    _received.Add(packet);
                }

                break;
            case PublishPacket publish when Taking is { } take:
                take(publish);
                break;
            default:
                _received.Add(packet);
                break;
        }
    }

    /// <summary>What has arrived, in order; who asks too early waits.</summary>
    private sealed class Mailbox<T>
    {
        private readonly Queue<T> _items = new();
        private readonly Queue<TaskCompletionSource<T>> _takers = new();

        public void Add(T item)
        {
            if (_takers.TryDequeue(out var taker))
            {
                taker.SetResult(item);
            }
            else
            {
                _items.Enqueue(item);
            }
        }

        public Task<T> TakeAsync()
        {
            if (_items.TryDequeue(out var item))
            {
                return Task.FromResult(item);
            }

            var taker = new TaskCompletionSource<T>();
            _takers.Enqueue(taker);
            return taker.Task;
        }
    }
}
