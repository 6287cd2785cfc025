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

    /// <summary>What takes the place of a response whose payload is not the UTF-8 that it is said to be, where the server looks (§3.3.2.3.2).</summary>
    private static readonly Reply NotUtf8 = Reply.Failure(500, "The response says that its payload is UTF-8 text, and the server finds none.");

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
        else if (HasFlaw(request, start.Failure, out var substitute))
        {
            request.Substitute = substitute;
            SendInstead(request, substitute, now);
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
        if (HasFlaw(request, failure, out var substitute))
        {
            // A sink does not publish.
            request.Substitute = substitute;
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

    /// <summary>Answers a request with an error, since its response had a flaw. Enters the gate.</summary>
    public void Substitute(ReceivedRequest request, uint version, TimeSpan now)
    {
        lock (session.Gate)
        {
            if (request.Version == version && request.Substitute is { } substitute)
            {
                request.IsPublishing = false;
                SendInstead(request, substitute, now);
                pool.ReturnIfOver(request);
            }
        }

        session.AfterGate();
    }

    /// <summary>Whether a response was refused for what it holds, so that another one may be sent; that is tried once.</summary>
    private static bool HasFlaw(ReceivedRequest request, MqttException? failure, out Reply substitute)
    {
        var code = request.Substitute is null && failure is RefusedException refused ? refused.ReasonCode : ReasonCode.Success;
        substitute = code == ReasonCode.PacketTooLarge ? TooLarge : NotUtf8;
        return code is ReasonCode.PacketTooLarge or ReasonCode.PayloadFormatInvalid;
    }

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
