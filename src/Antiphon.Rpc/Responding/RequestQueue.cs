using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// The requests of one registration that wait for its handler, in their order, and how many of it run. Beyond its bounds requests are
/// refused. It also keeps count of who is on the way to run handlers, so that at most one worker is asked for at a time. Plain
/// single-threaded state.
/// </summary>
/// <param name="maximumRunning">How many handlers may run at once.</param>
/// <param name="maximumWaiting">How many requests may wait besides.</param>
internal sealed class RequestQueue(int maximumRunning, int maximumWaiting)
{
    private ReceivedRequest? _first;
    private ReceivedRequest? _last;
    private bool _workerIsAskedFor;

    /// <summary>Handlers that run.</summary>
    public int Running { get; private set; }

    /// <summary>Requests that wait for a handler.</summary>
    public int Waiting { get; private set; }

    /// <summary>Whether one more request may come.</summary>
    public bool HasRoom => Running + Waiting < (long)maximumRunning + maximumWaiting;

    /// <summary>Whether as many handlers run as may.</summary>
    public bool IsBusy => Running >= maximumRunning;

    /// <summary>Whether half as many requests wait as may, or more.</summary>
    public bool IsHalfFull => 2L * Waiting >= maximumWaiting;

    public void Add(ReceivedRequest request)
    {
        request.Previous = _last;
        if (_last is null)
        {
            _first = request;
        }
        else
        {
            _last.Next = request;
        }

        _last = request;
        Waiting++;
    }

    /// <summary>A request does not wait any longer.</summary>
    public void Remove(ReceivedRequest request)
    {
        if (request.Previous is null)
        {
            _first = request.Next;
        }
        else
        {
            request.Previous.Next = request.Next;
        }

        if (request.Next is null)
        {
            _last = request.Previous;
        }
        else
        {
            request.Next.Previous = request.Previous;
        }

        request.Previous = request.Next = null;
        Waiting--;
    }

    /// <summary>Gives the next request to who will run its handler, as long as not too many run.</summary>
    public bool TryTake([NotNullWhen(true)] out ReceivedRequest? next)
    {
        next = IsBusy ? null : _first;
        if (next is null)
        {
            return false;
        }

        Remove(next);
        Running++;
        return true;
    }

    /// <summary>A handler has ended.</summary>
    public void Ended() => Running--;

    /// <summary>Whether a worker is to be asked for: something may be run, and nobody is on the way.</summary>
    public bool TryAskForWorker()
    {
        if (_workerIsAskedFor || Waiting == 0 || IsBusy)
        {
            return false;
        }

        _workerIsAskedFor = true;
        return true;
    }

    /// <summary>The worker that was asked for is here.</summary>
    public void WorkerIsHere() => _workerIsAskedFor = false;
}
