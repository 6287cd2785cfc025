using Antiphon.Protocol;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Requesting.Calls;

namespace Antiphon.Rpc;

/// <summary>How a <see cref="Requester"/> asks. Immutable; checked when a requester is made of it.</summary>
public sealed record RequesterOptions
{
    /// <summary>How long a call waits for its response, from the call on: more than zero, at most 24 days.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// QoS of requests and of the response subscription: 0 or 1. With QoS 0 nothing says that a request has arrived,
    /// and nobody says that there is no responder.
    /// </summary>
    public QualityOfService QoS { get; init; } = QualityOfService.AtLeastOnce;

    /// <summary>
    /// What the Response Topic begins with: a Topic Name; <c>/</c> and a random last level follow. <c>null</c>:
    /// the Response Information that the server gives (MQTT 5 §3.2.2.3.15), else <c>clients/{client id}</c>.
    /// </summary>
    public string? ResponseTopicPrefix { get; init; }

    /// <summary>
    /// Whether a response has to say how it went, as the RPC 1.0 profile has it; <c>false</c>:
    /// one that says nothing is a success, so that any MQTT 5 device can answer.
    /// </summary>
    public bool Strict { get; init; }

    /// <summary>
    /// How many requests may wait for their responses at once, 1 to 65,536. Further calls wait for a place, on their own time.
    /// </summary>
    public int MaximumInFlight { get; init; } = 16_384;

    /// <summary>
    /// How many calls may wait to be sent, for a place or for a connection, 1 or more. A further call ends at once with
    /// <see cref="RequestNotSentException"/>.
    /// </summary>
    public int MaximumWaiting { get; init; } = 65_536;

    /// <summary>The clock of every deadline.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(24);

    /// <summary>Checks everything and reports all mistakes together.</summary>
    /// <exception cref="ArgumentException">What is wrong, one sentence each.</exception>
    internal void Validate()
    {
        var mistakes = new List<string>();
        if (!IsTimeout(Timeout))
        {
            mistakes.Add($"Timeout is {Timeout}; it has to be more than zero and at most 24 days.");
        }

        if (QoS is not (QualityOfService.AtMostOnce or QualityOfService.AtLeastOnce))
        {
            mistakes.Add($"QoS is {(int)QoS}; it has to be 0 or 1.");
        }

        if (MaximumInFlight is < 1 or > CallTable.MaximumSlots)
        {
            mistakes.Add($"MaximumInFlight is {MaximumInFlight}; it has to be 1 to {CallTable.MaximumSlots}.");
        }

        if (MaximumWaiting < 1)
        {
            mistakes.Add($"MaximumWaiting is {MaximumWaiting}; it has to be 1 or more.");
        }

        if (ResponseTopicPrefix is not null)
        {
            try
            {
                TopicName.ThrowIfInvalid(ResponseTopicPrefix, nameof(ResponseTopicPrefix));
            }
            catch (ArgumentException invalid)
            {
                mistakes.Add(invalid.Message);
            }
        }

        ArgumentNullException.ThrowIfNull(TimeProvider);
        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes));
        }
    }

    internal static bool IsTimeout(TimeSpan value) => value > TimeSpan.Zero && value <= LongestTimeout;
}
