using Antiphon.Broker.Publishing;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Limits;

/// <summary>How fast the client of one Session publishes, and its acknowledgements that wait because it was too fast.</summary>
internal sealed class Pace
{
    private readonly PublishRates _rates;

    public Pace(PublishRates rates)
    {
        _rates = rates;
        Deadline = new Deadline(this);
    }

    /// <summary>Messages, and bytes of their packets, that it has published lately.</summary>
    public (TokenBucket Messages, TokenBucket Bytes) Used;

    /// <summary>Acknowledgements of this connection that wait, in their order.</summary>
    public Queue<Waiting> Held { get; } = new();

    /// <summary>When the first of them may leave.</summary>
    public Deadline Deadline { get; }

    /// <summary>The Network Connection ended: nobody waits for its acknowledgements any more.</summary>
    public void ConnectionEnded() => _rates.ConnectionEnded(this);

    /// <summary>An acknowledgement that waits.</summary>
    /// <param name="Acknowledgement">The acknowledgement.</param>
    /// <param name="Due">When it may leave.</param>
    /// <param name="Before">What had been used before its message.</param>
    public readonly record struct Waiting(
        HeldAcknowledgement Acknowledgement, Instant Due, (TokenBucket Messages, TokenBucket Bytes) Before);
}
