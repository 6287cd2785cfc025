namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>Calls that may be used again. They are put back on any thread without the gate, and taken out within it.</summary>
internal sealed class CallPool(ICallOwner owner)
{
    private SingleCall? _returned;

    // Guarded by the gate.
    private SingleCall? _free;

    /// <summary>Puts a call back.</summary>
    public void Return(SingleCall call)
    {
        var first = Volatile.Read(ref _returned);
        while (true)
        {
            call.Next = first;
            var found = Interlocked.CompareExchange(ref _returned, call, first);
            if (ReferenceEquals(found, first))
            {
                return;
            }

            first = found;
        }
    }

    /// <summary>Takes one out, or makes one. Within the gate.</summary>
    public SingleCall Rent()
    {
        // All at once, so that nobody takes one while another puts the same one back.
        var call = _free ??= Interlocked.Exchange(ref _returned, null);
        if (call is null)
        {
            return new SingleCall(owner);
        }

        _free = call.Next;
        call.Next = null;
        return call;
    }
}
