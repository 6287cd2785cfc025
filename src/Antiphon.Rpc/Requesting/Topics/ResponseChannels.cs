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
    public void Open(ResponseChannel channel)
    {
        if (channel.Subscription is null && session.Server is { } server)
        {
            Open(channel, server);
        }
    }

    /// <summary>The server has accepted a connection: opens what calls wait for, and moves what has the wrong topic by now.</summary>
    /// <returns>The channels that have moved.</returns>
    public List<ResponseChannel> Connected(ServerLimits server)
    {
        var moved = new List<ResponseChannel>();
        foreach (var channel in _chosen.Values.Prepend(_own))
        {
            if (channel.Subscription is not null && channel.Address.Topic != TopicOf(channel, server))
            {
                moved.Add(channel);
                _ = session.UnsubscribeAsync(channel.Close()!);
                Open(channel, server);
            }
            else if (channel.Waiting.Count > 0)
            {
                Open(channel);
            }
        }

        return moved;
    }

    /// <summary>The requester is over.</summary>
    /// <returns>The subscriptions to give up.</returns>
    public List<Subscription> CloseAll() => [.. _chosen.Values.Prepend(_own).Select(channel => channel.Close()).OfType<Subscription>()];

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
