using Antiphon.Client.Sessions;
using Antiphon.Protocol;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Publishes for callers who await the end, without an object for each of them. Enters the gate of <see cref="ClientSession"/>.
/// </summary>
internal sealed class PublishWaiters(ClientSession session)
{
    private const int LargestPool = 1024;

    // Guarded by the gate.
    private readonly Stack<PublishWaiter> _pool = new();

    /// <summary>Publishes a message.</summary>
    /// <param name="content">The message; copied before the call returns.</param>
    /// <param name="cancellationToken">Withdraws it while it waits to be written; afterwards ends the wait alone.</param>
    public ValueTask<PublishResult> PublishAsync(in PublishContent content, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromException<PublishResult>(new PublishWithdrawnException(cancellationToken));
        }

        ValueTask<PublishResult> result;
        lock (session.Gate)
        {
            var waiter = _pool.TryPop(out var free) ? free : new PublishWaiter(session, this);
            var start = session.Publish(content, waiter, waiter.Version);
            if (start.Status == PublishStatus.Taken)
            {
                result = waiter.Task;
                waiter.Begin(start.Handle, cancellationToken);
            }
            else
            {
                _pool.Push(waiter);
                result = start.Failure is { } failure
                    ? ValueTask.FromException<PublishResult>(failure)
                    : new ValueTask<PublishResult>(new PublishResult(ReasonCode.Success));
            }
        }

        session.AfterGate();
        return result;
    }

    /// <summary>The caller has read the result.</summary>
    public void Recycle(PublishWaiter waiter)
    {
        waiter.Reset();
        lock (session.Gate)
        {
            if (_pool.Count < LargestPool)
            {
                _pool.Push(waiter);
            }
        }
    }
}
