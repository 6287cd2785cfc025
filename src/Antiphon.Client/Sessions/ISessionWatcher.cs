namespace Antiphon.Client.Sessions;

/// <summary>
/// Is told what becomes of the Session, at the place in the order of events where it happens.
/// Called under the gate of <see cref="ClientSession"/>.
/// </summary>
internal interface ISessionWatcher
{
    /// <summary>
    /// The server has accepted a connection. Nothing has been written to it yet but CONNECT, and no message of it has been handled.
    /// </summary>
    /// <param name="server">What it said.</param>
    void Connected(ServerLimits server);

    /// <summary>
    /// A message has arrived, and so many or more wait to be acknowledged because an earlier one has not been dealt with. At twice as many
    /// the server stops sending.
    /// </summary>
    /// <param name="half">Half of the client's Receive Maximum, 1 or more.</param>
    void HeldUp(int half)
    {
    }

    /// <summary>The client has stopped, for good. Every PUBLISH has been told before.</summary>
    /// <param name="why">Makes the exception; its argument says whether the request may have arrived.</param>
    void Stopped(Func<bool, ConnectionException> why);
}
