using Antiphon.Protocol;

namespace Antiphon.Interop.Scenarios;

/// <summary>Compares messages.</summary>
internal static class AssertSame
{
    /// <summary>All of a message but RETAIN; its Message Expiry Interval may have shrunk, but not to 0.</summary>
    public static void Message(ApplicationMessage published, ApplicationMessage received)
    {
        Assert.Equal((published.Topic, published.QoS), (received.Topic, received.QoS));
        Assert.Equal(published.Payload.ToArray(), received.Payload.ToArray());
        Assert.Equal(published.PayloadIsUtf8, received.PayloadIsUtf8);
        Assert.Equal((published.ContentType, published.ResponseTopic), (received.ContentType, received.ResponseTopic));
        Assert.Equal(published.CorrelationData?.ToArray(), received.CorrelationData?.ToArray());
        Assert.Equal(published.UserProperties, received.UserProperties);
        Assert.Equal(published.MessageExpiryInterval is null, received.MessageExpiryInterval is null);
        if (published.MessageExpiryInterval is { } interval)
        {
            Assert.InRange(received.MessageExpiryInterval!.Value, 1u, interval);
        }
    }
}
