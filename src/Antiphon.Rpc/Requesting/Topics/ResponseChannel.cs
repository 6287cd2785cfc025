using System.Text;
using Antiphon.Client;
using Antiphon.Client.Receiving;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Topics;

/// <summary>
/// A Response Topic with its standing subscription: exact, one for all calls.
/// It is opened at the first call that needs it, and moved when the server gives another Response Information after it has lost the
/// Session. Guarded by the client's gate.
/// </summary>
/// <param name="owner">Who is told what comes.</param>
/// <param name="prefix">The first half of the Correlation Data of all requests.</param>
/// <param name="chosenTopic">The topic that the caller chose; <c>null</c>: the requester's own.</param>
internal sealed class ResponseChannel(IChannelOwner owner, ulong prefix, string? chosenTopic) : IMessageSink
{
    private byte[] _topicBytes = [];

    public string? ChosenTopic { get; } = chosenTopic;

    public ulong Prefix { get; } = prefix;

    /// <summary>Calls that wait for the channel to be opened.</summary>
    public LinkedList<Call> Waiting { get; } = [];

    /// <summary>Whether the server has granted the subscription: requests may name the topic.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The subscription, from the moment in which it is asked for; <c>null</c>: the channel is closed.</summary>
    public Subscription? Subscription { get; private set; }

    /// <summary>The topic, and what else its responses share.</summary>
    public ResponseAddress Address { get; private set; } = ResponseAddress.None;

    /// <summary>The properties that all requests with this Response Topic share, encoded.</summary>
    public byte[] StandingProperties { get; private set; } = [];

    /// <summary>The subscription has been asked for.</summary>
    public void Opening(string topic, string clientId, Subscription subscription)
    {
        var section = new PropertySection(stackalloc byte[256]);
        section.AddResponseTopic(topic);
        section.AddUser(RpcPropertyName.ProtocolVersion, RpcPropertyName.Version);
        section.AddUser(RpcPropertyName.Source, Encoding.UTF8.GetBytes(clientId));
        StandingProperties = section.Written.ToArray();
        section.Dispose();
        Address = new ResponseAddress(topic, Prefix);
        Subscription = subscription;
        _topicBytes = Encoding.UTF8.GetBytes(topic);
    }

    /// <summary>The topic is not the right one any more, or is not needed.</summary>
    /// <returns>The subscription to give up; <c>null</c>: there is none.</returns>
    public Subscription? Close()
    {
        IsReady = false;
        (var subscription, Subscription) = (Subscription, null);
        return subscription;
    }

    /// <inheritdoc/>
    public void Subscribed(MqttException? failure)
    {
        if (failure is null)
        {
            IsReady = true;
        }
        else
        {
            // The next call tries again.
            Subscription = null;
        }

        owner.Opened(this, failure);
    }

    /// <inheritdoc/>
    public void Take(in PublishView message, in Acknowledgement acknowledgement)
    {
        acknowledgement.CompleteWithinGate();
        owner.Arrived(this, message.Topic.SequenceEqual(_topicBytes), message);
    }
}

/// <summary>Where responses come to, as they remember it. Immutable, unlike the channel, which may move.</summary>
/// <param name="Topic">The Response Topic.</param>
/// <param name="Prefix">The first half of the Correlation Data.</param>
internal sealed record ResponseAddress(string Topic, ulong Prefix)
{
    public static readonly ResponseAddress None = new("", 0);
}

/// <summary>Whose channels they are. Called within the gate.</summary>
internal interface IChannelOwner
{
    /// <summary>The server has answered the subscription of a channel.</summary>
    void Opened(ResponseChannel channel, MqttException? failure);

    /// <summary>A message has come on a channel.</summary>
    void Arrived(ResponseChannel channel, bool isOnItsTopic, in PublishView message);
}
