using Antiphon.Broker.Buffers;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// Where the queues of all Sessions have their places from, and give them back to:
/// a steady flow allocates nothing, and an empty queue takes nothing.
/// </summary>
/// <param name="account">Where the places in use count, and those of the Sessions' windows.</param>
internal sealed class QueueMemory(MemoryAccount account)
{
    private const int Kept = 8192;

    private readonly Stack<QueueChunk> _free = new();

    public MemoryAccount Account => account;

    public QueueChunk Rent()
    {
        account.Add(QueueChunk.Size);
        return _free.TryPop(out var free) ? free : new QueueChunk();
    }

    /// <summary>Takes back a chunk whose places are clear.</summary>
    public void Return(QueueChunk chunk)
    {
        account.Add(-QueueChunk.Size);
        chunk.Next = null;
        chunk.Start = chunk.End = 0;
        if (_free.Count < Kept)
        {
            _free.Push(chunk);
        }
    }
}
