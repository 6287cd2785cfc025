using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;

namespace Antiphon.Client.Connections;

/// <summary>Tells of changes in their order, one at a time, on no caller's thread. Its lock is never held while another is taken.</summary>
internal sealed class StateNotifier(ClientSession session, Action<ConnectionStateChange> raise, Action<Exception> failed)
    : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly Queue<ConnectionStateChange> _waiting = new();
    private bool _running;

    public void Enqueue(ConnectionStateChange change)
    {
        lock (_lock)
        {
            _waiting.Enqueue(change);
            if (_running)
            {
                return;
            }

            _running = true;
        }

        session.Callbacks.Enter();
        session.Scheduler.Queue(this);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a handler throws is its own; the next change must be told.")]
    void IThreadPoolWorkItem.Execute()
    {
        CallbackScope.Enter(session);
        while (TryDequeue(out var change))
        {
            try
            {
                raise(change);
            }
            catch (Exception failure)
            {
                failed(failure);
            }
        }

        session.Callbacks.Leave();
    }

    private bool TryDequeue([NotNullWhen(true)] out ConnectionStateChange? change)
    {
        lock (_lock)
        {
            _running = _waiting.TryDequeue(out change);
            return _running;
        }
    }
}
