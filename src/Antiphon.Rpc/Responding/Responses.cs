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

    /// <summary>
    /// What takes the place of a response whose payload is not the UTF-8 that it is said to be,
    /// where the server looks (§3.3.2.3.2).
    /// </summary>
    private static readonly Reply NotUtf8 =
        Reply.Failure(500, "The response says that its payload is UTF-8 text, and the server finds none.");

    /// <summary>What takes the place of a response that this program's own client has no room for.</summary>
    private static readonly Reply NoRoom =
        Reply.Failure(500, "The request has been executed; the response was lost, since too many messages wait to be sent.");

    /// <summary>What takes the place of a response that this program's own client could not store.</summary>
    private static readonly Reply NotStored =
        Reply.Failure(500, "The request has been executed; the response was lost, since the responder could not store it.");

    /// <summary>Answers a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="properties">The properties of the response.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="now">The time.</param>
    public void Send(ReceivedRequest request, ReadOnlySpan<byte> properties, ReadOnlySpan<byte> payload, TimeSpan now) =>
        Send(request, properties, payload, isError: false, now);

    private void Send(ReceivedRequest request, ReadOnlySpan<byte> properties, ReadOnlySpan<byte> payload, bool isError, TimeSpan now)
    {
        // An error says that a request was not run, or that its response is lost. A later client of the store would say it too late.
        var content = new PublishContent
        {
            Topic = request.Message.ResponseTopic,
            Payload = payload,
            Properties = properties,
            QoS = request.QoS,
            IsForSinkOnly = isError,
            HasReservedPlace = isError,
        };
        var start = session.Publish(content, request, request.Version);
        if (start.Status == PublishStatus.Taken)
        {
            request.IsPublishing = true;
        }
        else if (IsReplaced(request, start.Failure))
        {
            SendInstead(request, request.Substitute.GetValueOrDefault(), now);
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
        Send(request, response.Written, default, isError: true, now);
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
        if (IsReplaced(request, failure))
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

    /// <summary>Answers a request with an error, since its response cannot be sent. Enters the gate.</summary>
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

    /// <summary>
    /// Gives a request a substitute for its response, where an error may pass although the response did not; that is tried once.
    /// </summary>
    private bool IsReplaced(ReceivedRequest request, MqttException? failure)
    {
        if (failure is null || request.Substitute is not null)
        {
            return false;
        }

        request.Substitute = failure switch
        {
            RefusedException { ReasonCode: ReasonCode.PacketTooLarge } => TooLarge,
            RefusedException { ReasonCode: ReasonCode.PayloadFormatInvalid } => NotUtf8,
            QueueFullException => NoRoom,
            SessionStoreException => NotStored,
            _ => default(Reply?),
        };
        if (failure is QueueFullException or SessionStoreException)
        {
            Lost(request, failure);
        }

        return request.Substitute is not null;
    }

    private string Lost(ReceivedRequest request, MqttException failure)
    {
        counting.Undelivered++;
        var responseTopic = Encoding.UTF8.GetString(request.Message.ResponseTopic);
        session.Defer(log.Undelivered(responseTopic, failure), 0);
        return responseTopic;
    }

    private void Undelivered(ReceivedRequest request, MqttException failure)
    {
        var responseTopic = Lost(request, failure);
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
