namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Lists of subscriptions whose order means nothing: joining and leaving cost O(1), also when a hundred thousand leave at once.
/// </summary>
internal static class SubscriptionPlaces
{
    public static void Join(this List<Subscription> list, Subscription subscription)
    {
        subscription.Place = list.Count;
        list.Add(subscription);
    }

    /// <summary>The last takes the place of the one that leaves.</summary>
    public static void Leave(this List<Subscription> list, Subscription subscription)
    {
        var last = list[^1];
        list[subscription.Place] = last;
        last.Place = subscription.Place;
        list.RemoveAt(list.Count - 1);
    }
}
