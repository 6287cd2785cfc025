using Antiphon.Client;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Rpc;

/// <summary>How a <see cref="Responder"/> works. Immutable; checked when a responder is made of it.</summary>
public sealed record ResponderOptions
{
    /// <summary>
    /// How many times the handler of one registration may run at once: 1 or more. It is started in the order in which the requests arrived.
    /// Each registration counts for itself, so that a handler may ask another of the same responder; one that asks itself should do so
    /// fewer times than this.
    /// </summary>
    public int MaximumConcurrency { get; init; } = Math.Min(16 * Environment.ProcessorCount, 256);

    /// <summary>
    /// How many requests may wait for the handler of one registration, 0 or more. Beyond it a request is answered at once with status 429.
    /// With QoS 0 nothing else bounds them. With QoS 1 and 2 the server sends no more than the client's Receive Maximum
    /// (<see cref="MqttClientOptions.ReceiveMaximum"/>) before they are acknowledged, which paces a burst by the handlers where this is
    /// the larger one. Where all handlers are busy, requests that fill half of the Receive Maximum are acknowledged before they are run:
    /// at once up to half of this number, then after a second.
    /// </summary>
    public int MaximumWaiting { get; init; } = 4096;

    /// <summary>What an overloaded responder tells its requesters to wait before they ask again; zero or more.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How much time a request gets that says nothing of time; more than zero, at most 24 days.</summary>
    public TimeSpan DefaultTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Whether a requester gets to see the message of an exception that its handler threw; <c>false</c>: only that it failed.
    /// </summary>
    public bool ExposeExceptions { get; init; }

    /// <summary>
    /// How long a registration that ends takes at most; 5 seconds unless said otherwise. It waits for the server's answer to UNSUBSCRIBE,
    /// for its handlers, and for the server to acknowledge their answers. After four fifths of the time handlers are cancelled, their
    /// requests answered with status 503, and the rest is for these answers. Zero or more, at most 24 days.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many bytes of QoS 1 requests and their answers may be remembered, so that a request that comes again is answered again and not
    /// executed again. Within it an answer is remembered until the time of its request is up.
    /// Beyond it the oldest answers go, and a mark of some 90 bytes stays of each:
    /// such a request that comes again gets status 409, and is not executed again.
    /// Marks take a quarter at most, the oldest go first (<see cref="ResponderCounters.ForgottenEarly"/>).
    /// Of a request of the profile a mark also stays for 5 minutes after its time, as long as there is room.
    /// Memory is taken as it is needed, and kept. 0 remembers none.
    /// </summary>
    public int MaximumRememberedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The clock of every deadline.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where log messages go; never a payload.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Checks everything and reports all mistakes together.</summary>
    /// <exception cref="ArgumentException">What is wrong, one sentence each.</exception>
    internal void Validate()
    {
        var mistakes = new List<string>();
        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                mistakes.Add(otherwise);
            }
        }

        Require(MaximumConcurrency >= 1, $"MaximumConcurrency is {MaximumConcurrency}; it has to be 1 or more.");
        Require(MaximumWaiting >= 0, $"MaximumWaiting is {MaximumWaiting}; it has to be 0 or more.");
        Require(RetryAfter >= TimeSpan.Zero, $"RetryAfter is {RetryAfter}; it has to be zero or more.");
        Require(
            RequesterOptions.IsTimeout(DefaultTimeout),
            $"DefaultTimeout is {DefaultTimeout}; it has to be more than zero and at most 24 days.");
        Require(
            DrainTimeout >= TimeSpan.Zero && DrainTimeout <= RequesterOptions.LongestTimeout,
            $"DrainTimeout is {DrainTimeout}; it has to be zero or more and at most 24 days.");
        Require(MaximumRememberedBytes >= 0, $"MaximumRememberedBytes is {MaximumRememberedBytes}; it has to be 0 or more.");
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(LoggerFactory);
        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes));
        }
    }
}

/// <summary>What one registration has of its own. Immutable.</summary>
public sealed record RespondOptions
{
    internal static readonly RespondOptions Default = new();

    /// <summary>
    /// Shares the requests with all responders that give the same name: each request goes to one of them (MQTT 5 §4.8.2). One character or
    /// more, none of them <c>/ + #</c>. <c>null</c>: every responder gets every request.
    /// </summary>
    public string? ShareName { get; init; }

    /// <summary>The highest QoS to receive requests with, 0 to 2; a response has the QoS of its request.</summary>
    public QualityOfService MaximumQoS { get; init; } = QualityOfService.AtLeastOnce;

    /// <summary>Checks everything and reports all mistakes together.</summary>
    /// <exception cref="ArgumentException">What is wrong, one sentence each.</exception>
    internal void Validate()
    {
        var mistakes = new List<string>();
        if (ShareName is { } name && (name.Length == 0 || name.AsSpan().ContainsAny('/', '+', '#')))
        {
            mistakes.Add($"ShareName is «{name}»; it has one character or more, none of them / + # [MQTT-4.8.2-1, MQTT-4.8.2-2].");
        }

        if (MaximumQoS > QualityOfService.ExactlyOnce)
        {
            mistakes.Add($"MaximumQoS is {(int)MaximumQoS}; there are 0 to 2 (MQTT 5 §3.8.3.1).");
        }

        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes));
        }
    }
}
