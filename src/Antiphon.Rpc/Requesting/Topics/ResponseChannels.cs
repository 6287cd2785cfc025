using Antiphon.Client;
using Antiphon.Client.Sessions;

namespace Antiphon.Rpc.Requesting.Topics;

/// <summary>
/// The response channels of a requester: its own, and one for each Response Topic that a caller has chosen. Within the gate.
/// </summary>
internal sealed class ResponseChannels(ClientSession session, IChannelOwner owner, ulong prefix, string? topicPrefix)
{
    private const int MaximumChosenTopics = 64;

    private readonly string _lastLevel = $"{session.NextSecret():x16}{session.NextSecret():x16}";
    private readonly ResponseChannel _own = new(owner, prefix, null);
    private readonly Dictionary<string, ResponseChannel> _chosen = [];

    /// <summary>The channel for a call.</summary>
    /// <param name="chosenTopic">The topic that the caller chose; <c>null</c>: the requester's own.</param>
    /// <exception cref="ArgumentException">There are too many chosen topics.</exception>
    public ResponseChannel Find(string? chosenTopic)
    {
        if (chosenTopic is null)
        {
            return _own;
        }

        if (!_chosen.TryGetValue(chosenTopic, out var channel))
        {
            if (_chosen.Count == MaximumChosenTopics)
            {
                throw new ArgumentException(
                    $"The Response Topic «{chosenTopic}» would be one more than {MaximumChosenTopics}, the most that one "
                    + "requester subscribes to.");
            }

            _chosen.Add(chosenTopic, channel = new ResponseChannel(owner, prefix, chosenTopic));
        }

        return channel;
    }

    /// <summary>Subscribes, unless that is done or there is no connection yet that could say under which topic.</summary>
    /// <exception cref="InvalidOperationException">The client has a subscription to the topic.</exception>
    /// <exception cref="ArgumentException">The topic is too long.</exception>
    public void Open(ResponseChannel channel)
    {
        if (channel.Subscription is null && session.Server is { } server)
        {
            Open(channel, server);
        }
    }

    /// <summary>All channels there are.</summary>
    public IEnumerable<ResponseChannel> All => _chosen.Values.Prepend(_own);

    /// <summary>The server has accepted a connection: closes a channel that should have another topic by now.</summary>
    /// <returns>Whether it was closed; it is to be opened again.</returns>
    public bool CloseIfMoved(ResponseChannel channel, ServerLimits server)
    {
        if (channel.Subscription is null || channel.Address.Topic == TopicOf(channel, server))
        {
            return false;
        }

        _ = session.UnsubscribeAsync(channel.Close()!);
        return true;
    }

    /// <summary>The requester is over.</summary>
    /// <returns>The subscriptions to give up.</returns>
    public List<Subscription> CloseAll() => [.. All.Select(channel => channel.Close()).OfType<Subscription>()];

    private void Open(ResponseChannel channel, ServerLimits server)
    {
        var topic = TopicOf(channel, server);
        channel.Opening(
            topic,
            server.ClientId,
            session.Subscribe(topic, channel, new SubscribeOptions { RetainHandling = Protocol.Packets.RetainHandling.DoNotSend }));
    }

    private string TopicOf(ResponseChannel channel, ServerLimits server) =>
        channel.ChosenTopic ?? ResponseTopic.Build(topicPrefix, server.ResponseInformation, server.ClientId, _lastLevel);
}
