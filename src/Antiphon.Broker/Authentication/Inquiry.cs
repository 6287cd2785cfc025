using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// Who the client of a connection is: how far the question has come. Only connections have one about whose clients somebody is or was
/// asked. Owned by the engine's thread.
/// </summary>
internal sealed class Inquiry
{
    /// <summary>The CONNECT that waits for it; <c>null</c>: none does.</summary>
    public ConnectPacket? Pending { get; set; }

    /// <summary>The method of enhanced authentication that CONNECT named; <c>null</c>: none.</summary>
    public IAuthenticationMethod? Method { get; init; }

    /// <summary>The exchange that waits for the client's next AUTH; <c>null</c>: none does.</summary>
    public IAuthenticationExchange? Exchange { get; set; }

    /// <summary>The step that runs on another thread; <c>null</c>: none does.</summary>
    public AuthenticationStep? Step { get; set; }

    /// <summary>The connection ends: nobody waits for it any more.</summary>
    public void Cancel()
    {
        Step?.Cancel();
        Step = null;
    }
}
