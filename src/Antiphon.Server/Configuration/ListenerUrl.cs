using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>Where a listener listens and what it speaks, in one text such as <c>wss://0.0.0.0:8084/mqtt</c>.</summary>
internal sealed record ListenerUrl(string Text, ListenerProtocol Protocol, IPAddress Bind, int Port, string Path)
{
    private const string Example = "such as mqtt://0.0.0.0:1883, mqtts://[::]:8883 or wss://127.0.0.1:8084/mqtt";

    private static readonly (string Scheme, ListenerProtocol Protocol, int Port)[] Schemes =
    [
        ("mqtts", ListenerProtocol.Mqtts, 8883),
        ("mqtt", ListenerProtocol.Mqtt, 1883),
        ("wss", ListenerProtocol.Wss, 443),
        ("ws", ListenerProtocol.Ws, 80),
    ];

    /// <summary>Reads a URL.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mistake">What is wrong with it, a sentence; <c>null</c>: nothing.</param>
    public static ListenerUrl? Parse(string text, out string? mistake)
    {
        mistake = null;
        var (scheme, protocol, port) = Schemes.FirstOrDefault(one => text.StartsWith($"{one.Scheme}://", StringComparison.Ordinal));
        if (scheme is null)
        {
            mistake = $"«{text}» does not begin with mqtt://, mqtts://, ws:// or wss://; write an address {Example}.";
            return null;
        }

        var rest = text[(scheme.Length + 3)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (authority, path) = slash < 0 ? (rest, "") : (rest[..slash], rest[slash..]);
        var isWebSocket = protocol is ListenerProtocol.Ws or ListenerProtocol.Wss;
        if (!isWebSocket && path.Length > 1)
        {
            mistake = $"«{text}» has a path, which only WebSockets have.";
            return null;
        }

        if (path.AsSpan().ContainsAny("?#"))
        {
            mistake = $"«{text}» has a query or a fragment; a listener has a path at most.";
            return null;
        }

        var colon = authority.LastIndexOf(':');
        if (colon > authority.LastIndexOf(']') && (authority.StartsWith('[') || authority.IndexOf(':', StringComparison.Ordinal) == colon))
        {
            if (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port > ushort.MaxValue)
            {
                mistake = $"«{authority[(colon + 1)..]}» in «{text}» is not a port; ports are whole numbers from 0 to 65535.";
                return null;
            }

            authority = authority[..colon];
        }

        var bind = authority == "localhost" ? IPAddress.Loopback : null;
        if (bind is null && !IPAddress.TryParse(authority, out bind))
        {
            mistake = $"«{authority}» in «{text}» is not an IP address to listen on; write {Example}.";
            return null;
        }

        if (bind.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && !authority.StartsWith('['))
        {
            mistake = $"The IPv6 address in «{text}» has to stand in brackets, {Example}.";
            return null;
        }

        return new ListenerUrl(text, protocol, bind, port, path.Length <= 1 ? "/mqtt" : path);
    }
}

/// <summary>The URL of a listener.</summary>
internal sealed class ListenerUrlKind : Kind<ListenerUrl>
{
    private static readonly TextKind Text = new();

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out ListenerUrl value)
    {
        value = null;
        if (!Text.TryRead(node, context, out var text))
        {
            return false;
        }

        value = ListenerUrl.Parse(text, out var mistake);
        if (mistake is not null)
        {
            context.Error(node.Place, $"«{node.Path}»: {mistake}");
        }

        return value is not null;
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "string");
        schema.WriteString("pattern", "^(mqtts?|wss?)://");
    }
}
