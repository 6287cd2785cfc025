using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Rpc.Tests.Servers;

/// <summary>
/// The other end of one client, played by the test packet by packet: it accepts connections, answers CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ by itself, and leaves PUBLISH and PUBACK to the test.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<Packet> _received = Channel.CreateUnbounded<Packet>();
    private readonly ConcurrentDictionary<string, uint> _subscriptions = new();
    private readonly Channel<string> _subscribed = Channel.CreateUnbounded<string>();
    private readonly Channel<string> _unsubscribed = Channel.CreateUnbounded<string>();
    private readonly Task _accepting;
    private volatile NetworkStream? _stream;
    private ushort _lastIdentifier = 100;

    public ScriptedServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The CONNACK of the next connections.</summary>
    public ConnAckPacket ConnAck { get; set; } = new();

    /// <summary>The SUBACK's Reason Code.</summary>
    public ReasonCode Granting { get; set; } = ReasonCode.GrantedQoS1;

    /// <summary>Whether connections are let in; those that are not are closed.</summary>
    public bool IsOpen { get; set; } = true;

    public Task<MqttClient> ConnectAsync(MqttClientOptions? options = null) => MqttClient.ConnectAsync(Options(options), Token);

    public MqttClient Start() => MqttClient.Start(Options(null));

    /// <summary>The next PUBLISH from the client; a PUBACK before it is skipped.</summary>
    public async Task<PublishPacket> PublishAsync() => await NextAsync<PublishPacket>();

    /// <summary>The next PUBACK from the client.</summary>
    public async Task<AcknowledgementPacket> PubAckAsync() => await NextAsync<AcknowledgementPacket>();

    public Task<string> SubscribedAsync() => _subscribed.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);

    public Task<string> UnsubscribedAsync() => _unsubscribed.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);

    public void Acknowledge(PublishPacket publish, ReasonCode code = ReasonCode.Success) =>
        Send(new AcknowledgementPacket(PacketType.PubAck, publish.PacketIdentifier, code));

    /// <summary>Sends a message through the subscription whose filter matches.</summary>
    /// <returns>The Packet Identifier.</returns>
    public ushort Deliver(ApplicationMessage message, bool dup = false, ushort? identifier = null)
    {
        var subscription = _subscriptions.First(pair => Protocol.Topics.TopicFilter.Parse(pair.Key).Matches(message.Topic));
        var used = identifier ?? (message.QoS == QualityOfService.AtMostOnce ? (ushort)0 : ++_lastIdentifier);
        Send(new PublishPacket(message) { PacketIdentifier = new PacketIdentifier(used), Dup = dup, SubscriptionIdentifiers = [subscription.Value] });
        return used;
    }

    /// <summary>Answers a request.</summary>
    public void Respond(PublishPacket request, string text, params (string Name, string Value)[] properties) => Deliver(new ApplicationMessage
    {
        Topic = request.Message.ResponseTopic!,
        Payload = System.Text.Encoding.UTF8.GetBytes(text),
        CorrelationData = request.Message.CorrelationData,
        QoS = QualityOfService.AtLeastOnce,
        UserProperties = [.. properties.Select(pair => new UserProperty(pair.Name, pair.Value))],
    });

    /// <summary>Cuts the connection.</summary>
    public void Cut() => _stream!.Socket.Close(0);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        _stream?.Dispose();
        await _accepting;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private MqttClientOptions Options(MqttClientOptions? options) => (options ?? new MqttClientOptions { ClientId = "c" }) with
    {
        Host = "127.0.0.1",
        Port = Port,
        ReconnectDelay = TimeSpan.FromMilliseconds(1),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(20),
    };

    private async Task<T> NextAsync<T>()
        where T : Packet
    {
        while (true)
        {
            var packet = await _received.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);
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
        var stream = _stream!;
        lock (stream)
        {
            stream.Write(output.WrittenSpan);
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync();
                if (!IsOpen)
                {
                    socket.Close(0);
                    continue;
                }

                socket.NoDelay = true;
                _stream = new NetworkStream(socket, ownsSocket: true);
                await ReadAsync(_stream);
            }
            catch (IOException)
            {
                // This connection has been cut.
            }
            catch (Exception exception) when (exception is SocketException or InvalidOperationException)
            {
                // The listener has been stopped.
                return;
            }
        }
    }

    private async Task ReadAsync(NetworkStream stream)
    {
        var buffer = new byte[1 << 20];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length));
            if (read == 0)
            {
                stream.Dispose();
                return;
            }

            length += read;
            var consumed = 0;
            while (FrameReader.TryRead(buffer.AsSpan(consumed, length - consumed), 1 << 20, out var frame, out _) == FrameStatus.Complete)
            {
                Assert.True(PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out var fault), fault.Message);
                consumed += frame.Length;
                Handle(packet);
            }

            buffer.AsSpan(consumed, length - consumed).CopyTo(buffer);
            length -= consumed;
        }
    }

    private void Handle(Packet packet)
    {
        switch (packet)
        {
            case ConnectPacket:
                Send(ConnAck);
                break;
            case SubscribePacket subscribe:
                var filter = subscribe.Subscriptions[0].TopicFilter;
                _subscriptions[filter] = subscribe.SubscriptionIdentifier!.Value;
                Send(new SubAckPacket { PacketIdentifier = subscribe.PacketIdentifier, ReasonCodes = [Granting] });
                _subscribed.Writer.TryWrite(filter);
                break;
            case UnsubscribePacket unsubscribe:
                _subscriptions.TryRemove(unsubscribe.TopicFilters[0], out _);
                Send(new UnsubAckPacket { PacketIdentifier = unsubscribe.PacketIdentifier, ReasonCodes = [ReasonCode.Success] });
                _unsubscribed.Writer.TryWrite(unsubscribe.TopicFilters[0]);
                break;
            case PingReqPacket:
                Send(PingRespPacket.Instance);
                break;
            default:
                _received.Writer.TryWrite(packet);
                break;
        }
    }
}
