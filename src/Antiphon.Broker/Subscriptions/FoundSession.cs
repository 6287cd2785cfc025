using Antiphon.Broker.Sessions;

namespace Antiphon.Broker.Subscriptions;

/// <summary>A Session that a message concerns, with its subscriptions that match.</summary>
/// <param name="subscription">The first of them.</param>
internal struct FoundSession(Subscription subscription)
{
    private List<Subscription>? _all;

    public readonly Session Session => subscription.Session;

    /// <summary>The only one; <c>null</c>: there are several.</summary>
    public readonly Subscription? Only => _all is null ? subscription : null;

    public readonly Subscription Last => _all is null ? subscription : _all[^1];

    public void Add(Subscription another) => (_all ??= [subscription]).Add(another);

    public readonly Subscription[] ToArray() => _all is null ? [subscription] : [.. _all];

    /// <summary>Those of several that still stand.</summary>
    public readonly Subscription[] ThatStand() => [.. _all!.Where(each => !each.HasEnded)];
}
