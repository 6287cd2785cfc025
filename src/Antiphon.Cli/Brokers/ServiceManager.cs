using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Brokers;

/// <summary>
/// Tells systemd, or another service manager that speaks sd_notify(3), how the broker is:
/// a datagram to the socket that NOTIFY_SOCKET names. Where there is none, nobody is told. Safe from any thread.
/// </summary>
internal sealed class ServiceManager : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _address;
    private readonly Terminal _terminal;
    private readonly TimeProvider _time;

    public ServiceManager(string? notifySocket, Terminal terminal, TimeProvider time)
    {
        _terminal = terminal;
        _time = time;
        if (!string.IsNullOrEmpty(notifySocket))
        {
            // A name that begins with @ is in the abstract namespace, which the system writes as a zero byte.
            _address = new UnixDomainSocketEndPoint(notifySocket[0] == '@' ? $"\0{notifySocket[1..]}" : notifySocket);
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        }
    }

    /// <summary>The service manager that has started this program, if one has.</summary>
    public static ServiceManager OfThisProgram(Terminal terminal, TimeProvider time) =>
        new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"), terminal, time);

    /// <summary>It has started, or has read its configuration again.</summary>
    /// <param name="status">How it is, for people.</param>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={status}");

    /// <summary>It reads its configuration again; <see cref="Ready"/> follows.</summary>
    public void Reloading() => Tell(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={(long)_time.GetElapsedTime(0).TotalMicroseconds}"));

    /// <summary>It is about to end.</summary>
    public void Stopping() => Tell("STOPPING=1\nSTATUS=Closing");

    public void Dispose() => _socket?.Dispose();

    private void Tell(string news)
    {
        if (_socket is null)
        {
            return;
        }

        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(news), _address!);
        }
        catch (SocketException e)
        {
            _terminal.Complain($"The service manager cannot be told «{news.Split('\n')[0]}»: {e.Message}");
        }
    }
}
