using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Receiving;

/// <summary>
/// Messages of one subscription that wait for its handler, and the handlers that run: at most as many at once as asked for.
/// When full, the newest QoS 0 message is dropped; QoS 1 messages are bounded by our Receive Maximum.
/// Its lock is never held while another is taken.
/// </summary>
internal sealed class HandlerQueue(
    ClientSession session,
    Subscription subscription,
    Func<ReceivedMessage, CancellationToken, ValueTask> handler) : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly Queue<(ReceivedMessage Message, Acknowledgement Acknowledgement)> _waiting = new();
    private readonly RunningCallbacks _handlers = new(session.Scheduler);
    private int _running;
    private bool _closed;

    /// <summary>Takes a message from the receive loop.</summary>
    public void Enqueue(in PublishView view, in Acknowledgement acknowledgement)
    {
        var message = new ReceivedMessage(view.ToMessage(), view.Dup, subscription);
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            if (view.QoS == QualityOfService.AtMostOnce && _waiting.Count >= subscription.Options.MaximumQueuedMessages)
            {
                session.Counting.Dropped(1);
                return;
            }

            _waiting.Enqueue((message, acknowledgement));
            if (_running == subscription.Options.MaximumConcurrency)
            {
                return;
            }

            _running++;
        }

        _handlers.Enter();
        session.Callbacks.Enter();
        session.Scheduler.Queue(this);
    }

    /// <summary>Completes when nothing waits and no handler runs; <see cref="RunAsync"/> never fails.</summary>
    public Task WhenIdleAsync() => _handlers.WhenIdleAsync();

    /// <summary>The client has stopped: what waits is forgotten; unacknowledged, it stays the server's.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _waiting.Clear();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        CallbackScope.Enter(session);
        while (TryDequeue(out var next))
        {
            if (await HandleAsync(next.Message).ConfigureAwait(false))
            {
                next.Acknowledgement.Complete();
            }
        }

        _handlers.Leave();
        session.Callbacks.Leave();
    }

    private bool TryDequeue(out (ReceivedMessage Message, Acknowledgement Acknowledgement) next)
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out next))
            {
                return true;
            }

            _running--;
            return false;
        }
    }

    /// <summary>Calls the handler.</summary>
    /// <returns>Whether the message has been dealt with; not when the client has stopped and the handler has ended because of it.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a handler throws is its own; the next message must come through.")]
    private async ValueTask<bool> HandleAsync(ReceivedMessage message)
    {
        try
        {
            await handler(message, session.Stopping).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (session.Stopping.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception failure)
        {
            session.Failures.HandlerFailed(failure, subscription);
            return !session.Stopping.IsCancellationRequested;
        }
    }
}
