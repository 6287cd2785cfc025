namespace Antiphon.Broker.Listing;

/// <summary>What knows where it stands in the list that holds it.</summary>
internal interface IPlaced
{
    int Place { get; set; }
}

/// <summary>Lists whose order means nothing: joining and leaving cost O(1), also when a hundred thousand leave at once.</summary>
internal static class Places
{
    public static void Join<T>(this List<T> list, T item)
        where T : class, IPlaced
    {
        item.Place = list.Count;
        list.Add(item);
    }

    /// <summary>The last takes the place of the one that leaves.</summary>
    public static void Leave<T>(this List<T> list, T item)
        where T : class, IPlaced
    {
        var last = list[^1];
        list[item.Place] = last;
        last.Place = item.Place;
        list.RemoveAt(list.Count - 1);
    }
}
