using Antiphon.Client.Sessions;

namespace Antiphon.Client.Publishing;

/// <summary>Places for messages that are not in use, so that a publish costs no allocation. Guarded by the lock of <see cref="ClientSession"/>.</summary>
internal sealed class PublishPool(ClientSession session)
{
    private const int Largest = 1024;

    private PendingPublish? _first;
    private int _count;

    public PendingPublish Rent()
    {
        if (_first is not { } pending)
        {
            return new PendingPublish(session);
        }

        _first = pending.Next;
        pending.Next = null;
        _count--;
        return pending;
    }

    /// <summary>Takes it back if the Session is done with it and the caller has read the result.</summary>
    public void ReturnIfFree(PendingPublish pending)
    {
        if (pending.IsFree && _count < Largest)
        {
            pending.Reset();
            pending.Next = _first;
            _first = pending;
            _count++;
        }
    }
}
