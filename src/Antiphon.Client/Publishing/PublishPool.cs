namespace Antiphon.Client.Publishing;

/// <summary>
/// Places for messages that are not in use, so that a publish costs no allocation.
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class PublishPool
{
    private const int Largest = 4096;

    private PendingPublish? _first;
    private int _count;

    public PendingPublish Rent()
    {
        if (_first is not { } pending)
        {
            return new PendingPublish();
        }

        _first = pending.Next;
        pending.Next = null;
        _count--;
        return pending;
    }

    /// <summary>Takes back what is over.</summary>
    public void Return(PendingPublish pending)
    {
        pending.Reset();
        if (_count < Largest)
        {
            pending.Next = _first;
            _first = pending;
            _count++;
        }
    }
}
