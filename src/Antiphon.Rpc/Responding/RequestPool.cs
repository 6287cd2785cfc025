namespace Antiphon.Rpc.Responding;

/// <summary>
/// The requests of a responder that are open, and those that wait to be used again. Guarded by the gate of the client's Session.
/// </summary>
internal sealed class RequestPool
{
    private readonly List<ReceivedRequest> _all = [];
    private readonly Stack<ReceivedRequest> _free = new();

    /// <summary>The request of a number.</summary>
    public ReceivedRequest this[int number] => _all[number];

    /// <summary>One to begin a message with.</summary>
    public ReceivedRequest Rent(OpenRequests requests)
    {
        if (_free.TryPop(out var request))
        {
            return request;
        }

        request = new ReceivedRequest(requests, _all.Count);
        _all.Add(request);
        return request;
    }

    /// <summary>Takes a request back, if it is over, its response is not on the way any more, and no handler has it.</summary>
    public void ReturnIfOver(ReceivedRequest request)
    {
        if (request is { IsHandled: false, IsPublishing: false, State: RequestState.Answered or RequestState.Expired })
        {
            request.Reset();
            _free.Push(request);
        }
    }
}
