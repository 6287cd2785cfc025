using System.Buffers;
using System.Text;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Rpc.Responding.Remembering;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// Publishes responses, and acknowledges their requests after that: with QoS 0 when they are written, else when the server has acknowledged
/// them. Guarded by the gate of <see cref="ClientSession"/>: a method that says so enters it, the others are called within it.
/// </summary>
internal sealed class Responses(ClientSession session, RequestPool pool, AnswerMemory memory, Counting counting, ResponderLog log)
{
    /// <summary>What takes the place of a response that is larger than the server, or MQTT itself, allows.</summary>
    public static readonly Reply TooLarge = Reply.Failure(500, "The response is larger than the server accepts.");

    /// <summary>Answers a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="properties">The properties of the response.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="now">The time.</param>
    public void Send(ReceivedRequest request, ReadOnlySpan<byte> properties, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        var content = new PublishContent
        {
            Topic = request.Message.ResponseTopic,
            Payload = payload,
            Properties = properties,
            QoS = request.QoS,
        };
        var start = session.Publish(content, request, request.Version);
        if (start.Status == PublishStatus.Taken)
        {
            request.IsPublishing = true;
        }
        else if (IsTooLarge(request, start.Failure))
        {
            request.IsSubstituted = true;
            SendInstead(request, TooLarge, now);
        }
        else
        {
            if (start.Failure is { } failure)
            {
                Undelivered(request, failure);
            }

            request.End();
        }
    }

    /// <summary>Turns a request away, and remembers that; one that asks for no answer is acknowledged.</summary>
    public void Refuse(ReceivedRequest request, in Reply reply, TimeSpan now)
    {
        memory.Refused(request.Memento, now);
        request.State = RequestState.Answered;
        if (request.AsksForAnswer)
        {
            SendInstead(request, reply, now);
        }
        else
        {
            request.End();
        }
    }

    /// <summary>Sends an answer without a payload that is not remembered, or in the place of one that is.</summary>
    private void SendInstead(ReceivedRequest request, in Reply reply, TimeSpan now)
    {
        var response = new ResponseWriter(stackalloc byte[256]);
        response.Write(request, reply, now);
        Send(request, response.Written, default, now);
        response.Dispose();
    }

    /// <summary>Answers a request that has come again as it was answered before.</summary>
    public void SendAgain(ReceivedRequest request, Memento memento, TimeSpan now)
    {
        request.State = RequestState.Answered;
        var length = memory.LengthOf(memento);
        var answer = ArrayPool<byte>.Shared.Rent(length);
        var properties = memory.Read(memento, answer.AsSpan(0, length));
        var response = new ResponseWriter(stackalloc byte[512]);
        response.Write(request, answer.AsSpan(0, properties), now);
        Send(request, response.Written, answer.AsSpan(properties, length - properties), now);
        response.Dispose();
        ArrayPool<byte>.Shared.Return(answer);
    }

    /// <summary>The response of a request is with the server, or came to nothing.</summary>
    public void Published(ReceivedRequest request, in PublishResult result, MqttException? failure)
    {
        if (IsTooLarge(request, failure))
        {
            // A sink does not publish.
            session.Defer(request, request.Version);
            return;
        }

        if (failure is not null)
        {
            Undelivered(request, failure);
        }
        else if (result.NoMatchingSubscribers)
        {
            counting.Undelivered++;
        }

        request.IsPublishing = false;
        request.End();
        pool.ReturnIfOver(request);
    }

    /// <summary>Answers a request with an error, since its response was too large. Enters the gate.</summary>
    public void Substitute(ReceivedRequest request, uint version, TimeSpan now)
    {
        lock (session.Gate)
        {
            if (request.Version == version)
            {
                request.IsPublishing = false;
                request.IsSubstituted = true;
                SendInstead(request, TooLarge, now);
                pool.ReturnIfOver(request);
            }
        }

        session.AfterGate();
    }

    private static bool IsTooLarge(ReceivedRequest request, MqttException? failure) =>
        !request.IsSubstituted && failure is RefusedException { ReasonCode: ReasonCode.PacketTooLarge };

    private void Undelivered(ReceivedRequest request, MqttException failure)
    {
        counting.Undelivered++;
        var responseTopic = Encoding.UTF8.GetString(request.Message.ResponseTopic);
        session.Defer(log.Undelivered(responseTopic, failure), 0);
        if (failure is not RefusedException refused)
        {
            return;
        }

        counting.RefusedAnswers++;
        if (request.Registration.IsFirst(Complaint.AnswerRefused))
        {
            session.Defer(log.Refused(request.Registration.TopicFilter, responseTopic, refused.Message), 0);
        }

        if (request.Registration.Refused(refused, log) is { } telling)
        {
            session.Scheduler.Queue(telling);
        }
    }
}
