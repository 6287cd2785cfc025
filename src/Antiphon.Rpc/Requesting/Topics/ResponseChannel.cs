using System.Text;
using Antiphon.Client;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Topics;

/// <summary>
/// A Response Topic with its standing subscription: exact, one for all calls. The requester's lock owns it. It is opened at the first call that needs it,
/// and moved when the server gives another Response Information after it has lost the Session.
/// </summary>
/// <param name="chosenTopic">The topic that the caller chose; <c>null</c>: the requester's own.</param>
internal sealed class ResponseChannel(string? chosenTopic)
{
    public string? ChosenTopic { get; } = chosenTopic;

    /// <summary>Calls that wait for the channel to be opened.</summary>
    public LinkedList<Exchange> Waiting { get; } = [];

    /// <summary>Whether the server has granted the subscription: requests may name the topic.</summary>
    public bool IsReady { get; private set; }

    /// <summary>What is opening the channel, or has opened it; observed when the requester is disposed.</summary>
    public Task? Opening { get; set; }

    public string Topic { get; private set; } = "";

    public Subscription? Subscription { get; private set; }

    /// <summary>The properties that all requests with this Response Topic share, encoded.</summary>
    public byte[] StandingProperties { get; private set; } = [];

    public void Ready(string topic, string clientId, Subscription? subscription)
    {
        var section = new PropertySection(stackalloc byte[256]);
        section.AddResponseTopic(topic);
        section.AddUser(RpcPropertyName.ProtocolVersion, RpcPropertyName.Version);
        section.AddUser(RpcPropertyName.Source, Encoding.UTF8.GetBytes(clientId));
        StandingProperties = section.Written.ToArray();
        section.Dispose();
        Topic = topic;
        Subscription = subscription;
        IsReady = true;
    }

    /// <summary>The topic is not the right one any more.</summary>
    /// <returns>The subscription to give up.</returns>
    public Subscription? Close()
    {
        IsReady = false;
        (var subscription, Subscription) = (Subscription, null);
        return subscription;
    }
}
