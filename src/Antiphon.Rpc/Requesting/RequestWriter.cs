using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol.Wire;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting;

/// <summary>Hands the Request Message of a call to the client, encoded. Within the gate.</summary>
internal static class RequestWriter
{
    /// <summary>Publishes a request; the call is the sink of its PUBLISH.</summary>
    /// <param name="session">The client's Session.</param>
    /// <param name="call">The call, which has its Correlation Data.</param>
    /// <param name="now">The time now, on the requester's clock.</param>
    public static PublishStart Publish(ClientSession session, Call call, TimeSpan now)
    {
        var content = call.Content;
        var remaining = call.Deadline - now;
        Span<byte> correlation = stackalloc byte[Correlation.Length];
        Correlation.Write(correlation, call.Channel.Prefix, call.Number);
        var topic = new WireWriter(stackalloc byte[256]);
        var properties = new PropertySection(stackalloc byte[512]);
        try
        {
            topic.WriteUtf8(content.Topic, content.TopicBytes);
            properties.AddPayloadFormat(content.PayloadIsUtf8);
            properties.AddExpiry(remaining);
            properties.AddContentType(content.Options.ContentType);
            properties.AddCorrelation(correlation);
            properties.AddRaw(call.Channel.StandingProperties);
            properties.AddUser(RpcPropertyName.Timeout, (long)Math.Max(1, Math.Ceiling(remaining.TotalMilliseconds)));
            properties.AddUser(content.Options.UserProperties);
            return session.Publish(
                new PublishContent
                {
                    Topic = topic.Written,
                    Payload = content.Payload.Span,
                    Properties = properties.Written,
                    QoS = content.QoS,
                    NeededUntil = session.Now + remaining,
                },
                call,
                call.Version);
        }
        finally
        {
            topic.Dispose();
            properties.Dispose();
        }
    }
}
