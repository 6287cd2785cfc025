using System.Threading.Channels;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Libraries;

/// <summary>Our client. It connects again by itself, which the <see cref="Relay"/> lets it do when the test says so.</summary>
internal sealed class OwnClient : IPeerClient
{
    private readonly Channel<PeerEvent> _events = Channel.CreateUnbounded<PeerEvent>();
    private readonly Dictionary<string, (Subscription Subscription, SubscriptionOptions Options)> _subscriptions = [];
    private MqttClient? _client;

    public ChannelReader<PeerEvent> Events => _events.Reader;

    public async Task<Connack> ConnectAsync(int port, Connecting how)
    {
        if (_client is { State: not ConnectionState.Stopped })
        {
            await _client.WaitUntilConnectedAsync();
        }
        else
        {
            // What has been disconnected stays so; another client takes the Session up, as after a restart of a program.
            _client = await MqttClient.ConnectAsync(Options(port, how));
            _client.StateChanged += (_, change) => Tell(change);
            foreach (var (topicFilter, (_, options)) in _subscriptions.ToArray())
            {
                await SubscribeAsync(topicFilter, options, identifier: null);
            }
        }

        return new Connack(0, _client.Server!.SessionPresent, _client.Server.ResponseInformation);
    }

    public async Task<int> SubscribeAsync(string topicFilter, SubscriptionOptions options, uint? identifier)
    {
        // Handlers of different subscriptions run beside each other; on the receive loop all messages come in order.
        var subscription = await _client!.SubscribeRawAsync(
            topicFilter,
            (in PublishView message, in Acknowledgement acknowledgement) =>
            {
                _events.Writer.TryWrite(new Seen(message.ToMessage()) { Dup = message.Dup });
                acknowledgement.Complete();
            },
            new SubscribeOptions
            {
                MaximumQoS = options.MaximumQoS,
                NoLocal = options.NoLocal,
                RetainAsPublished = options.RetainAsPublished,
                RetainHandling = options.RetainHandling,
            });
        _subscriptions[topicFilter] = (subscription, options);
        return (int)subscription.ReasonCode;
    }

    public Task UnsubscribeAsync(string topicFilter) => _subscriptions[topicFilter].Subscription.UnsubscribeAsync();

    public async Task PublishAsync(ApplicationMessage message, ushort? topicAlias) => await _client!.PublishAsync(message);

    public Task DisconnectAsync(ReasonCode reason) => _client!.DisconnectAsync(reason);

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }
    }

    private static MqttClientOptions Options(int port, Connecting how)
    {
        var options = new MqttClientOptions
        {
            ProtocolVersion = how.Version,
            Host = "127.0.0.1",
            Port = port,
            ClientId = how.ClientId,
            CleanStart = how.Clean,
            SessionExpiry = TimeSpan.FromSeconds(how.SessionExpiry ?? 0),
            TopicAliasMaximum = how.TopicAliasMaximum ?? 0,
            MaximumTopicAliases = (ushort)(how.AssignsTopicAliases ? 16 : 0),
            Will = how.Will,
            RequestResponseInformation = how.RequestsResponseInformation,
            ReconnectDelay = TimeSpan.FromMilliseconds(10),
            MaximumReconnectDelay = TimeSpan.FromMilliseconds(50),
        };
        return options with
        {
            ReceiveMaximum = how.ReceiveMaximum ?? options.ReceiveMaximum,
            MaximumPacketSize = how.MaximumPacketSize ?? options.MaximumPacketSize,
        };
    }

    private void Tell(ConnectionStateChange change)
    {
        // Without an exception the client was told to stop.
        if (change is { State: ConnectionState.Reconnecting or ConnectionState.Stopped, Exception: not null })
        {
            _events.Writer.TryWrite(new Closed((int?)change.ReasonCode));
        }
    }
}
