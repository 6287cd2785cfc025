namespace Antiphon.Broker;

/// <summary>
/// A stream whose sending side can end while the other side is still read, as a socket's can.
/// With it <see cref="BrokerHost.Accept"/> lets the client read the broker's last packet and then the end.
/// </summary>
public interface IHalfClosable
{
    /// <summary>
    /// Ends the sending side behind what was written; nothing is written after it. It is called once at most, on the broker's thread:
    /// it must not wait and must not throw.
    /// </summary>
    void EndSending();
}
