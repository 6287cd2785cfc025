using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Sessions;

/// <summary>
/// Counts and logs what goes wrong in a Session without ending it. What the peer may cause again and again is one line a client;
/// the rest is a counter. Safe from any thread.
/// </summary>
internal sealed partial class SessionFailures(ILogger logger, Counting counting, ushort receiveMaximum)
{
    private readonly ILogger _logger = logger;

    /// <summary>A handler threw.</summary>
    public void HandlerFailed(Exception failure, Subscription subscription)
    {
        if (counting.HandlerFailed() == 1)
        {
            LogHandlerFailed(failure, subscription.TopicFilter);
        }
        else
        {
            LogHandlerFailedAgain(failure, subscription.TopicFilter);
        }
    }

    /// <summary>The server has sent more than our Receive Maximum allows.</summary>
    public void ReceiveMaximumExceeded()
    {
        if (counting.ReceiveMaximumExceeded() == 1)
        {
            LogReceiveMaximumExceeded(receiveMaximum);
        }
    }

    /// <summary>The server has passed a message on that has a flaw.</summary>
    public void FlawedMessage(Fault flaw)
    {
        if (counting.FlawedMessage() == 1)
        {
            LogFlawedMessage(flaw.Message ?? flaw.Code.ToString());
        }
    }

    /// <summary>The store threw, and the Session goes on without it.</summary>
    public void StoreFailed(Exception failure)
    {
        if (counting.StoreFailed() == 1)
        {
            LogStoreFailed(failure);
        }
    }

    /// <summary>A message that an earlier client had left behind ended without success.</summary>
    public void RestoredPublishFailed(MqttException failure)
    {
        if (counting.RestoredPublishFailed() == 1)
        {
            LogRestoredPublishFailed(failure);
        }
    }

    /// <summary>A callback on the token that ends handlers threw.</summary>
    public void CallbackFailed(Exception failure) => LogCallbackFailed(failure);

    /// <summary>The server has refused what no caller is told of. Empties the queue, under the lock that guards it.</summary>
    public void Refused(Queue<RefusedException> refusals)
    {
        while (refusals.TryDequeue(out var refused))
        {
            LogRefused(refused.Operation, refused.Topic, refused.ReasonCode);
        }
    }
}
