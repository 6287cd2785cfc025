namespace Antiphon.Client.Publishing;

/// <summary>Messages in order, linked through themselves: adding and taking out anywhere costs no allocation.</summary>
internal sealed class PublishList
{
    public PendingPublish? First { get; private set; }

    public PendingPublish? Last { get; private set; }

    public int Count { get; private set; }

    /// <summary>How many bytes the packets have together.</summary>
    public long Bytes { get; private set; }

    public void Add(PendingPublish item)
    {
        item.Previous = Last;
        item.Next = null;
        if (Last is null)
        {
            First = item;
        }
        else
        {
            Last.Next = item;
        }

        Last = item;
        Count++;
        Bytes += item.Length;
    }

    public void Remove(PendingPublish item)
    {
        if (item.Previous is null)
        {
            First = item.Next;
        }
        else
        {
            item.Previous.Next = item.Next;
        }

        if (item.Next is null)
        {
            Last = item.Previous;
        }
        else
        {
            item.Next.Previous = item.Previous;
        }

        item.Previous = null;
        item.Next = null;
        Count--;
        Bytes -= item.Length;
    }
}
