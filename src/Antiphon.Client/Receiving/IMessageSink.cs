using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Receiving;

/// <summary>Takes the messages of one subscription as they stand in the receive buffer. All methods are called under the gate of
/// <see cref="Sessions.ClientSession"/>; they run no code of the application.</summary>
internal interface IMessageSink
{
    /// <summary>The server has answered the SUBSCRIBE for the first time, or never will.</summary>
    /// <param name="failure">
    /// A <see cref="RefusedException"/>, or a <see cref="ConnectionException"/> where the client has stopped; <c>null</c>: granted.
    /// </param>
    void Subscribed(MqttException? failure);

    /// <summary>A message arrived.</summary>
    /// <param name="message">The message, valid during the call.</param>
    /// <param name="acknowledgement">
    /// What a QoS 1 or 2 message waits for. Completed under the gate by <see cref="Acknowledgement.CompleteWithinGate"/>,
    /// during this call or later.
    /// </param>
    void Take(in PublishView message, in Acknowledgement acknowledgement);

    /// <summary>A message arrived that cannot be taken. The client acknowledges it.</summary>
    /// <param name="message">What could be read of it, valid during the call; its properties may be anything.</param>
    /// <param name="flaw">What is wrong with it.</param>
    void TakeFlawed(in PublishView message, Fault flaw)
    {
    }
}
