using Antiphon.Broker.Buffers;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// Who the client of a connection is: how far the question has come. Only connections have one about whose clients somebody is or was
/// asked. Owned by the engine's thread.
/// </summary>
internal sealed class Inquiry
{
    private readonly MemoryAccount _account;
    private long _bytes;

    /// <summary>Somebody is to be asked who the client is that sent a CONNECT.</summary>
    /// <param name="pending">The CONNECT.</param>
    /// <param name="bytes">What it takes in memory, in bytes.</param>
    /// <param name="account">Where that counts until <see cref="TakePending"/> or <see cref="Cancel"/>.</param>
    public Inquiry(ConnectPacket pending, long bytes, MemoryAccount account)
    {
        Pending = pending;
        _account = account;
        _bytes = bytes;
        account.Add(bytes);
    }

    /// <summary>The CONNECT that waits for it; <c>null</c>: none does.</summary>
    public ConnectPacket? Pending { get; private set; }

    /// <summary>The method of enhanced authentication that CONNECT named; <c>null</c>: none.</summary>
    public IAuthenticationMethod? Method { get; init; }

    /// <summary>The exchange that waits for the client's next AUTH; <c>null</c>: none does.</summary>
    public IAuthenticationExchange? Exchange { get; set; }

    /// <summary>The step that runs on another thread; <c>null</c>: none does.</summary>
    public AuthenticationStep? Step { get; set; }

    /// <summary>Users that were found to be no more while <see cref="Step"/> runs; <c>null</c>: none.</summary>
    public IReadOnlySet<string>? Gone { get; private set; }

    /// <summary>Users are no more. Whoever runs the step may not know yet.</summary>
    public void EndUsers(IReadOnlySet<string> gone)
    {
        if (Step is not null)
        {
            Gone = Gone is null ? gone : gone.Union(Gone).ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>The step has run: the next one is asked by who knows.</summary>
    public void EndStep()
    {
        Step = null;
        Exchange = null;
        Gone = null;
    }

    /// <summary>Who the client is, is known: its CONNECT waits no longer.</summary>
    public ConnectPacket TakePending()
    {
        var pending = Pending!;
        GiveBack();
        return pending;
    }

    /// <summary>The connection ends: nobody waits for it any more.</summary>
    public void Cancel()
    {
        GiveBack();
        Step?.Abandon();
        Step = null;
    }

    private void GiveBack()
    {
        Pending = null;
        _account.Add(-_bytes);
        _bytes = 0;
    }
}
