using System.Buffers.Binary;
using System.Buffers.Text;
using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting;

/// <summary>Hands the Request Message of a call to the client, encoded. Within the gate.</summary>
internal static class RequestWriter
{
    /// <summary>The property with the time that is left, up to where its value begins.</summary>
    private static readonly byte[] TimeoutBeginning =
        [(byte)PropertyIdentifier.UserProperty, 0, (byte)RpcPropertyName.Timeout.Length, .. RpcPropertyName.Timeout];

    /// <summary>
    /// Brings the time that is left up to date in a request that is sent late or again.
    /// It has no more digits than before.
    /// </summary>
    /// <param name="properties">The properties of the request, as <see cref="Publish"/> has written them.</param>
    /// <param name="remaining">The time that is left, more than zero.</param>
    public static void Renew(Span<byte> properties, TimeSpan remaining)
    {
        var start = properties.IndexOf(TimeoutBeginning);
        if (start < 0)
        {
            return;
        }

        var value = properties[(start + TimeoutBeginning.Length)..];
        var length = BinaryPrimitives.ReadUInt16BigEndian(value);
        Utf8Formatter.TryFormat((long)Math.Ceiling(remaining.TotalMilliseconds), value.Slice(2, length), out var written);
        var digits = value.Slice(2, written);
        var place = value.Slice(2, length);
        digits.CopyTo(place[(length - written)..]);
        place[..(length - written)].Fill((byte)'0');
    }

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
                    IsForSinkOnly = true,
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
