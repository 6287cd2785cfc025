
namespace Antiphon.Rpc.Timing;

/// <summary>
/// Something that a <see cref="DeadlineQueue{T}"/> can hold: its deadline, and the place where the queue notes where it stands.
/// </summary>
internal interface IDeadline
{
    /// <summary>When it is due, on the clock of the queue's owner. Must not change while it is in a queue.</summary>
    TimeSpan Deadline { get; }

    /// <summary>The queue's own note; −1 while it is in none.</summary>
    int QueueIndex { get; set; }
}

/// <summary>
/// Deadlines in a binary heap that knows where each item stands, so that taking any of them out is cheap too. One timer serves them all:
/// the owner sets it to <see cref="Next"/>. Calls of one length, the usual case, are appended without moving anything. Not thread-safe.
/// </summary>
internal sealed class DeadlineQueue<T>
    where T : class, IDeadline
{
    private T[] _heap = new T[16];

    /// <summary>How many items wait.</summary>
    public int Count { get; private set; }

    /// <summary>The earliest deadline; <c>null</c> when nothing waits.</summary>
    public TimeSpan? Next => Count == 0 ? null : _heap[0].Deadline;

    /// <summary>All items, in no order.</summary>
    public ReadOnlySpan<T> Items => _heap.AsSpan(0, Count);

    public void Add(T item)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * Count);
        }

        MoveUp(item, Count++);
    }

    /// <summary>Takes an item out; does nothing when it is in no queue.</summary>
    public void Remove(T item)
    {
        var index = item.QueueIndex;
        if (index < 0)
        {
            return;
        }

        item.QueueIndex = -1;
        var last = _heap[--Count];
        _heap[Count] = null!;
        if (ReferenceEquals(last, item))
        {
            return;
        }

        if (index > 0 && last.Deadline < _heap[(index - 1) / 2].Deadline)
        {
            MoveUp(last, index);
        }
        else
        {
            MoveDown(last, index);
        }
    }

    /// <summary>Takes the earliest item out if it is due.</summary>
    public bool TryTakeDue(TimeSpan now, out T item)
    {
        if (Count == 0 || _heap[0].Deadline > now)
        {
            item = null!;
            return false;
        }

        item = _heap[0];
        Remove(item);
        return true;
    }

    private void MoveUp(T item, int index)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (_heap[parent].Deadline <= item.Deadline)
            {
                break;
            }

            Place(_heap[parent], index);
            index = parent;
        }

        Place(item, index);
    }

    private void MoveDown(T item, int index)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _heap[child + 1].Deadline < _heap[child].Deadline)
            {
                child++;
            }

            if (item.Deadline <= _heap[child].Deadline)
            {
                break;
            }

            Place(_heap[child], index);
            index = child;
        }

        Place(item, index);
    }

    private void Place(T item, int index)
    {
        _heap[index] = item;
        item.QueueIndex = index;
    }
}
