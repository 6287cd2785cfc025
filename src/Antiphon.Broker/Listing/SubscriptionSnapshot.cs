using Antiphon.Protocol;

namespace Antiphon.Broker.Listing;

/// <summary>A subscription at one moment. Immutable.</summary>
public sealed record SubscriptionSnapshot
{
    /// <summary>Whose it is.</summary>
    public required string ClientId { get; init; }

    /// <summary>The Topic Filter, with <c>$share/NAME/</c> if it is a shared subscription.</summary>
    public required string TopicFilter { get; init; }

    /// <summary>The granted QoS.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>Whether who has it counts as a responder to requests there.</summary>
    public bool IsResponder { get; init; }

    /// <summary>Whether its client is connected.</summary>
    public bool IsConnected { get; init; }
}
