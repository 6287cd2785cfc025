namespace Antiphon.Rpc;

/// <summary>What a responder has counted since it was made.</summary>
public readonly record struct ResponderCounters
{
    /// <summary>Requests that arrived, all below included.</summary>
    public long Requests { get; init; }

    /// <summary>Handlers that run at the moment.</summary>
    public int Running { get; init; }

    /// <summary>Requests that wait for a handler at the moment.</summary>
    public int Waiting { get; init; }

    /// <summary>Responses sent for the first time, errors included.</summary>
    public long Answered { get; init; }

    /// <summary>Requests without a Response Topic: their handler runs, and nobody is answered.</summary>
    public long Notifications { get; init; }

    /// <summary>Requests that came again and were answered from memory, or with the answer of the first, without another run.</summary>
    public long Repeated { get; init; }

    /// <summary>
    /// Requests that came again after their answer had to make room (<see cref="ResponderOptions.MaximumRememberedBytes"/>), or after their
    /// time: answered with 409 and not run again.
    /// </summary>
    public long AlreadyExecuted { get; init; }

    /// <summary>Requests answered with 429, since too many waited; those included that came again after that.</summary>
    public long Overloaded { get; init; }

    /// <summary>Requests whose time was up before a handler took them; they are not run.</summary>
    public long Expired { get; init; }

    /// <summary>Handlers that had not finished when their request's time was up; what they return is dropped.</summary>
    public long Overran { get; init; }

    /// <summary>Handlers that threw an exception.</summary>
    public long HandlerFailures { get; init; }

    /// <summary>
    /// How often other code of the program has thrown: callbacks of the CancellationToken of a request, those of
    /// <see cref="Registration.AnswerRefused"/>, and the logger. It ends nothing.
    /// </summary>
    public long CallbackFailures { get; init; }

    /// <summary>Retained messages that arrived as requests; they are old and not run.</summary>
    public long Retained { get; init; }

    /// <summary>Requests whose Response Topic is one that the responder itself listens on; they are not run.</summary>
    public long InvalidResponseTopics { get; init; }

    /// <summary>Responses that the server refused, that nobody received, or that the client did not take.</summary>
    public long Undelivered { get; init; }

    /// <summary>Of these, the responses that the server refused (<see cref="Registration.AnswerRefused"/>).</summary>
    public long RefusedAnswers { get; init; }

    /// <summary>Requests that were acknowledged before their response, so that they held nobody up.</summary>
    public long AcknowledgedEarly { get; init; }

    /// <summary>
    /// Requests that had to be forgotten before their time (<see cref="ResponderOptions.MaximumRememberedBytes"/>): one of them that comes
    /// again is run again.
    /// </summary>
    public long ForgottenEarly { get; init; }
}
