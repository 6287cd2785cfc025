using System.Net;
using System.Net.Sockets;

namespace Antiphon.Broker.Transport;

/// <summary>Opens the TCP sockets that a loop listens on.</summary>
internal static class ListeningSocket
{
    private const int Backlog = 4096;

    /// <summary>How long accepting pauses when the process or the system has no descriptor left.</summary>
    public static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(250);

    /// <summary>Opens all sockets, or none.</summary>
    /// <exception cref="BrokerStartException">An address or port cannot be had.</exception>
    public static Socket[] OpenAll(IReadOnlyList<Listener> listeners)
    {
        var sockets = new List<Socket>();
        try
        {
            foreach (var listener in listeners)
            {
                sockets.Add(Open(listener, ServesBothFamilies(listener, listeners)));
            }

            return [.. sockets];
        }
        catch
        {
            sockets.ForEach(socket => socket.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Has the kernel make no larger segments for the connections of this socket than an Ethernet carries. On the loopback interface
    /// larger ones stall peers with a small receive window (see <see cref="Epoll.NarrowPeer"/>). It costs the others a little;
    /// for a loop that cannot cut what it sends. Other systems than Linux have their own ways, and stay as they are.
    /// </summary>
    public static void LimitSegments(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(optionLevel: 6, optionName: 2, BitConverter.GetBytes(Epoll.NarrowPeer.PieceSize));
        }
    }

    /// <summary>
    /// Whether a listener on all addresses of IPv6 serves IPv4 too, as people expect of <c>::</c>:
    /// unless another listener has the port there.
    /// </summary>
    private static bool ServesBothFamilies(Listener listener, IReadOnlyList<Listener> listeners) =>
        listener.Bind.Equals(IPAddress.IPv6Any)
        && Socket.OSSupportsIPv4
        && !listeners.Any(other =>
            other.Bind.AddressFamily == AddressFamily.InterNetwork && other.Port == listener.Port && listener.Port != 0);

    /// <summary>What is said of a listener that an address or port cannot be had for.</summary>
    public static BrokerStartException Refusal(string listenerName, EndPoint endPoint, SocketException refused) => new(
        $"The broker cannot listen on {endPoint}: {refused.Message.TrimEnd('.')}. {Advice(refused.SocketErrorCode)}", refused)
    {
        ListenerName = listenerName,
    };

    private static Socket Open(Listener listener, bool isDual)
    {
        var endPoint = new IPEndPoint(listener.Bind, listener.Port);
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (isDual)
            {
                socket.DualMode = true;
            }

            AllowTimeWait(socket);
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException refused)
        {
            socket?.Dispose();
            throw Refusal(listener.Name, endPoint, refused);
        }
    }

    private static string Advice(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => "Choose another port, or 0 for a free one.",
        SocketError.AddressNotAvailable => "Choose an address of this machine.",
        SocketError.AddressFamilyNotSupported => "Choose an address of a family that this machine has.",
        SocketError.AccessDenied => "Choose a port that this user may listen on, such as one above 1023.",
        _ => "Choose another address or port.",
    };

    /// <summary>
    /// A port that another program listens on stays refused; one in TIME_WAIT does not.
    /// (The base library's ReuseAddress would set SO_REUSEPORT too, and with it two brokers share a port unawares. Windows needs neither.)
    /// </summary>
    private static void AllowTimeWait(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(optionLevel: 1, optionName: 2, BitConverter.GetBytes(1));
        }
        else if (!OperatingSystem.IsWindows())
        {
            socket.SetRawSocketOption(optionLevel: 0xFFFF, optionName: 4, BitConverter.GetBytes(1));
        }
    }
}
