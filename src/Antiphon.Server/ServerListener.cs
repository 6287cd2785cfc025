using System.Net;

namespace Antiphon.Server;

/// <summary>An address that the server listens on, and what is spoken there. Immutable.</summary>
public sealed record ServerListener
{
    /// <summary>Its name, not empty and different from those of the others; connections say it as their origin.</summary>
    public required string Name { get; init; }

    /// <summary>What is spoken there; <see cref="ListenerProtocol.Mqtt"/> unless said otherwise.</summary>
    public ListenerProtocol Protocol { get; init; }

    /// <summary>The address to listen on; 127.0.0.1 unless said otherwise.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port, 0 to 65,535; 0 takes a free one. 1883 unless said otherwise.</summary>
    public int Port { get; init; } = 1883;

    /// <summary>The path of a WebSocket; it begins with a slash. <c>/mqtt</c> unless said otherwise.</summary>
    public string Path { get; init; } = "/mqtt";

    /// <summary>
    /// Whether each connection begins with a header of the PROXY protocol, version 2, which says the client's address;
    /// one that does not is closed. Only for a port that nobody but the proxy can reach, since whoever reaches it can claim any address.
    /// </summary>
    public bool ProxyProtocol { get; init; }

    /// <summary>The certificates of <see cref="ListenerProtocol.Mqtts"/> and <see cref="ListenerProtocol.Wss"/>; else null.</summary>
    public ListenerTls? Tls { get; init; }

    /// <summary>Where it is written, such as <c>antiphon.json:2:12</c>, for messages; <c>null</c>: nowhere.</summary>
    public string? Place { get; init; }

    /// <summary>Whether connections are encrypted up to here.</summary>
    internal bool IsEncrypted => Protocol is ListenerProtocol.Mqtts or ListenerProtocol.Wss;

    /// <summary>Whether MQTT comes in the frames of a WebSocket.</summary>
    internal bool IsWebSocket => Protocol is ListenerProtocol.Ws or ListenerProtocol.Wss;

    /// <summary>Whether Kestrel takes its connections; plain MQTT stays on the broker's own loop (decision 0025).</summary>
    internal bool IsTerminated => Protocol != ListenerProtocol.Mqtt;

    /// <summary>How it is written, with the port that was found.</summary>
    internal string Url(IPEndPoint endPoint) =>
        $"{Protocol.ToString().ToLowerInvariant()}://{endPoint}{(IsWebSocket ? Path : "")}";

    internal IEnumerable<string> Mistakes()
    {
        if (Name.Length == 0)
        {
            yield return "A listener has an empty Name.";
        }

        if (!Enum.IsDefined(Protocol))
        {
            yield return $"Protocol of listener «{Name}» is {Protocol}, which does not exist.";
        }

        if (Port is < 0 or > ushort.MaxValue)
        {
            yield return $"Port of listener «{Name}» is {Port}; it has to be 0 to 65,535.";
        }

        if (IsWebSocket && !Path.StartsWith('/'))
        {
            yield return $"Path of listener «{Name}» is «{Path}»; it has to begin with a slash.";
        }

        if (IsEncrypted && Tls is null)
        {
            yield return $"Listener «{Name}» speaks {Protocol} and has no certificate: set Tls.";
        }

        if (!IsEncrypted && Tls is not null)
        {
            yield return $"Listener «{Name}» speaks {Protocol}, which is not encrypted, and has Tls; use Mqtts or Wss.";
        }

        foreach (var mistake in Tls?.Mistakes() ?? [])
        {
            yield return $"Listener «{Name}»: {mistake}";
        }
    }
}

/// <summary>What is spoken at a listener.</summary>
public enum ListenerProtocol
{
    /// <summary>MQTT over TCP.</summary>
    Mqtt,

    /// <summary>MQTT over TLS.</summary>
    Mqtts,

    /// <summary>MQTT in WebSocket frames (MQTT 5 §6).</summary>
    Ws,

    /// <summary>MQTT in WebSocket frames over TLS.</summary>
    Wss,
}
