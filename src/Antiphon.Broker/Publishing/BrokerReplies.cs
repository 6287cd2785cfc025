using System.Buffers;
using System.Globalization;
using System.Text;
using Antiphon.Broker.Messages;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// What the broker itself answers to a request that it does not deliver and that nobody would acknowledge: an empty message with the
/// Correlation Data and a status, for requests that ask for it with the User Property <c>antiphon-notify: 1</c>. It goes to the requesting
/// Session, on a response topic of its own, and to nobody else.
/// </summary>
internal sealed class BrokerReplies(Sender sender)
{
    /// <summary>Too much is asked for.</summary>
    public const int TooManyRequests = 429;

    private readonly ArrayBufferWriter<byte> _packet = new();

    private static ReadOnlySpan<byte> NotifyProperty => "antiphon-notify"u8;

    /// <summary>Answers a request, if it asks for that.</summary>
    /// <param name="request">The message; it may be no request at all.</param>
    /// <param name="requester">The Session that has published it.</param>
    /// <param name="status">The status, as HTTP has it.</param>
    /// <param name="reason">What the broker has to say, as one word.</param>
    /// <param name="now">The current instant.</param>
    public void Reply(in PublishView request, Session requester, int status, string reason, Instant now)
    {
        if (request.ResponseTopic.IsEmpty
            || !OwnResponseTopics.Owns(requester, request.ResponseTopic)
            || !request.TryGetUserProperty(NotifyProperty, out var asked)
            || !asked.SequenceEqual("1"u8)
            || requester.ResponseSubscriptions is not { } subscriptions
            || !subscriptions.TryMatch(request.ResponseTopic, out var only, out var several))
        {
            return;
        }

        Write(request, status, reason);
        if (FrameReader.TryRead(_packet.WrittenSpan, uint.MaxValue, out var frame, out var fault) != FrameStatus.Complete
            || !PublishView.TryDecode(frame, ProtocolVersion.V5, out var reply, out fault))
        {
            throw new InvalidOperationException($"A reply of the broker's own cannot be published: {fault.Message}");
        }

        // QoS 0, and far too small to be shared: no copy is made.
        Message? copy = null;
        sender.DeliverTo(
            reply,
            ref copy,
            requester,
            QualityOfService.AtMostOnce,
            retain: false,
            only is not null ? only.Identifiers : several[0].Identifiers,
            now);
    }

    private void Write(in PublishView request, int status, string reason)
    {
        var message = new ApplicationMessage
        {
            Topic = Encoding.UTF8.GetString(request.ResponseTopic),
            CorrelationData = request.CorrelationData.IsEmpty ? null : request.CorrelationData.ToArray(),
            UserProperties =
            [
                new UserProperty("__stat", status.ToString(CultureInfo.InvariantCulture)),
                new UserProperty("antiphon-reason", reason),
            ],
        };
        _packet.ResetWrittenCount();
        new PublishPacket(message).WriteTo(_packet, ProtocolVersion.V5);
    }
}
