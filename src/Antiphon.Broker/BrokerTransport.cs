namespace Antiphon.Broker;

/// <summary>How a broker reads and writes its sockets. What it does with them is the same.</summary>
public enum BrokerTransport
{
    /// <summary>The fastest that the system has.</summary>
    Automatic,

    /// <summary>Linux's epoll, on one thread.</summary>
    Epoll,

    /// <summary><see cref="System.Net.Sockets.Socket"/>, which every system has.</summary>
    Sockets,
}
