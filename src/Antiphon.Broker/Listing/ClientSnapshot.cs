namespace Antiphon.Broker.Listing;

/// <summary>A client at one moment, as far as the broker knows it. Immutable.</summary>
public sealed record ClientSnapshot
{
    /// <summary>Its Session.</summary>
    public required SessionSnapshot Session { get; init; }

    /// <summary>Its Network Connection; <c>null</c>: it is away.</summary>
    public ConnectionSnapshot? Connection { get; init; }

    /// <summary>Its subscriptions, 1,000 of them at most; <see cref="SessionSnapshot.Subscriptions"/> says how many there are.</summary>
    public required IReadOnlyList<SubscriptionSnapshot> Subscriptions { get; init; }
}
