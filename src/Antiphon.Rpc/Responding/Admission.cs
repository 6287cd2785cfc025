using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding.Remembering;

namespace Antiphon.Rpc.Responding;

/// <summary>What is to be done with a message that has arrived.</summary>
internal enum Verdict
{
    /// <summary>Its handler is to run, now or when its turn comes.</summary>
    Run,

    /// <summary>Too many wait: refuse it.</summary>
    Overloaded,

    /// <summary>Its registration has ended: refuse it.</summary>
    Ended,

    /// <summary>It has come again, and its first coming has been answered: send that answer again.</summary>
    AnswerAgain,

    /// <summary>It has come again while the first still runs or waits: it goes with that.</summary>
    Join,

    /// <summary>It has come again, was executed, and its answer is no longer there: say so.</summary>
    Executed,

    /// <summary>It has come again, and nobody waits for the answer any more: acknowledge it.</summary>
    Late,

    /// <summary>Its time is up: acknowledge it.</summary>
    Expired,

    /// <summary>It is a retained message, and so an old one: acknowledge it.</summary>
    Retained,

    /// <summary>Its answer would come back as a request: acknowledge it.</summary>
    InvalidResponseTopic,
}

/// <summary>
/// Decides what is to be done with a message that has arrived. A request that comes again is recognised by its Correlation Data only where
/// the profile makes that unique, else by the DUP flag and the Packet Identifier within one Session. MQTT does not send a QoS 0 message
/// again. Plain single-threaded code.
/// </summary>
/// <param name="memory">The requests that were taken before.</param>
/// <param name="secret">What the hashes of this process begin with.</param>
internal sealed class Admission(AnswerMemory memory, ulong secret)
{
    /// <summary>Decides.</summary>
    /// <param name="registration">The registration that it came to.</param>
    /// <param name="message">The message.</param>
    /// <param name="properties">What its properties say.</param>
    /// <param name="budget">How much time it has.</param>
    /// <param name="session">The number of the Session that it came in.</param>
    /// <param name="now">The time.</param>
    /// <param name="memento">What the memory knows it by, or its first coming: none with QoS 0.</param>
    public Verdict Admit(
        Registration registration,
        in PublishView message,
        in RequestProperties properties,
        in RequestBudget budget,
        int session,
        TimeSpan now,
        out Memento memento)
    {
        memento = default;
        if (message.Retain)
        {
            return Verdict.Retained;
        }

        if (budget.Deadline <= now)
        {
            return Verdict.Expired;
        }

        if (!message.ResponseTopic.IsEmpty && TopicFilter.Matches(registration.Pattern, message.ResponseTopic))
        {
            return Verdict.InvalidResponseTopic;
        }

        if (message.QoS == QualityOfService.AtMostOnce || !memory.IsOn)
        {
            return OfNew(registration);
        }

        var key = new RequestKey
        {
            Registration = registration.Number,
            Session = properties.IsOfProfile ? 0 : session,
            PacketIdentifier = properties.IsOfProfile ? PacketIdentifier.None : message.PacketIdentifier,
            CorrelationData = message.CorrelationData,
            ResponseTopic = message.ResponseTopic,
            Topic = registration.IsItsTopic(message.Topic) ? default : message.Topic,
        }.WithHashes(secret, message.Payload);
        if ((properties.IsOfProfile || message.Dup) && memory.Find(key, now, out memento) is not Known.Nothing and var known)
        {
            return known switch
            {
                Known.Running => Verdict.Join,
                Known.Answered => Verdict.AnswerAgain,
                Known.Executed => Verdict.Executed,
                Known.Refused => registration.HasEnded ? Verdict.Ended : Verdict.Overloaded,
                _ => Verdict.Late,
            };
        }

        // That it is refused is remembered too: run when it comes again, it would have been run although its requester was told otherwise.
        memento = memory.Begin(key, budget.ForgetAt, now);
        return OfNew(registration);
    }

    private static Verdict OfNew(Registration registration) =>
        registration.HasEnded ? Verdict.Ended : registration.Queue.HasRoom ? Verdict.Run : Verdict.Overloaded;
}
